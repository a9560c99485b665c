package chart_test

import (
	"strings"
	"testing"
)

// refusals are values that mean nothing, or two things. The message names the value, and what to do about it.
var refusals = []struct {
	values  string // as for --set
	message []string
}{
	// By the schema: what one value alone can tell.
	{"replica=3", []string{"additional properties 'replica' not allowed"}},
	{"drain.delay=3", []string{"/drain", "additional properties 'delay' not allowed"}},
	{"service.port=80", []string{"/service", "additional properties 'port' not allowed"}},
	{"metrics.serviceMonitor.enable=true", []string{"/metrics/serviceMonitor", "'enable' not allowed"}},
	{"replicas=-1", []string{"/replicas", "minimum: got -1, want 0"}},
	{"replicas=two", []string{"/replicas", "got string, want integer"}},
	{"kind=StatefulSet", []string{"/kind", "'Deployment', 'DaemonSet'"}},
	{"drain.spreadSeconds=-5", []string{"/drain/spreadSeconds", "minimum: got -5, want 0"}},
	{"drain.timeoutSeconds=1m", []string{"/drain/timeoutSeconds", "got string, want integer"}},
	{"ports.http=65536", []string{"/ports/http", "maximum: got 65,536, want 65,535"}},
	{"ports.admin=0", []string{"/ports/admin", "minimum: got 0, want 1"}},
	{"service.type=ExternalName", []string{"/service/type", "'LoadBalancer', 'NodePort', 'ClusterIP'"}},
	{"service.loadBalancerSourceRanges={10.0.0.1}", []string{"/service/loadBalancerSourceRanges/0", "'10.0.0.1' does not match"}},
	{"trustedProxies={gateway}", []string{"/trustedProxies/0", "'gateway' does not match"}},
	{"service.annotations.cross-zone=true", []string{"/service/annotations/cross-zone", "got boolean, want string"}},
	{"tls.defaultCertificate=wildcard", []string{"/tls/defaultCertificate", "'wildcard' does not match"}},
	{"tls.minVersion=1.1", []string{"/tls/minVersion", "'1.2', '1.3'"}},
	{"log.level=trace", []string{"/log/level", "'debug', 'info', 'warn', 'error'"}},
	{"ingressClass.controllerValue=fairlead", []string{"/ingressClass/controllerValue", "'fairlead' does not match"}},
	{"ingressClass.name=Fairlead", []string{"/ingressClass/name", "'Fairlead' does not match"}},
	{"ingressClass.parameters.kind=Secret,ingressClass.parameters.name=a", []string{"/ingressClass/parameters/kind", "'ConfigMap'"}},
	{"ingressClass.parameters.kind=ConfigMap", []string{"/ingressClass/parameters", "missing properties 'name', 'namespace', 'scope'"}},
	{"watch.namespaces={team_a}", []string{"/watch/namespaces/0", "'team_a' does not match"}},
	{"image.repository=registry.example.com/fairlead:v1", []string{"/image/repository", "fairlead:v1' does not match"}},
	{"image.digest=9f86d081", []string{"/image/digest", "'9f86d081' does not match"}},
	{"podDisruptionBudget.maxUnavailable=150%", []string{"/podDisruptionBudget/maxUnavailable", "'150%' does not match"}},
	{"autoscaling.scaleDown.stabilizationSeconds=7200", []string{"/autoscaling/scaleDown/stabilizationSeconds", "maximum: got 7,200, want 3,600"}},
	{"extraEnv[0].value=a", []string{"/extraEnv/0", "missing property 'name'"}},
	{"extraArgs={publish-interval=1s}", []string{"/extraArgs/0", "does not match"}},
	{"drain.delaySeconds=null", []string{"/drain", "missing property 'delaySeconds'"}},
	{"tls=null", []string{"missing property 'tls'"}},
	{"nodeSelector.disk=yes!", []string{"/nodeSelector/disk", "'yes!' does not match"}},

	// By the templates: what only several values together tell.
	{"drain.timeoutSeconds=20", []string{"drain.timeoutSeconds is 20", "Set it to spreadSeconds or more"}},
	{"terminationGracePeriodSeconds=30", []string{"terminationGracePeriodSeconds is 30", "Leave it empty, or shorten the drain"}},
	{"podDisruptionBudget.maxUnavailable=null", []string{"podDisruptionBudget.enabled", "Set one, or enabled=false"}},
	{"ports.http=0,ports.https=0", []string{"ports.http and ports.https are both 0", "Set one of them"}},
	{"ports.http=9090", []string{"ports: http 9090", "must differ"}},
	{"service.ports.http=443", []string{"service.ports.http and service.ports.https are both 443", "must differ"}},
	{"ports.http=0,service.ports.https=0", []string{"service.enabled", "or service.enabled=false"}},
	{"hostNetwork=true,hostPorts.enabled=true", []string{"hostNetwork and hostPorts.enabled", "Choose one"}},
	{"hostNetwork=true,ports.http=80", []string{"hostNetwork with port 80", "hostPorts.enabled=true"}},
	{"hostPorts.enabled=true,hostPorts.http=443", []string{"hostPorts.http and hostPorts.https are both 443", "must differ"}},
	{"ingressClass.create=false,ingressClass.default=true", []string{"ingressClass.default with ingressClass.create=false", "Set it in that IngressClass"}},
	{"watch.namespaces={a},watch.namespaceSelector=team", []string{"watch.namespaces and watch.namespaceSelector", "Choose one"}},
	{"commonLabels.app\\.kubernetes\\.io/name=x", []string{"commonLabels", "app.kubernetes.io/name", "Leave it out"}},
	{"extraEnv[0].name=FAIRLEAD_DRAIN_DELAY,extraEnv[0].value=1s", []string{"extraEnv: FAIRLEAD_DRAIN_DELAY", "drain.delaySeconds"}},
	{"kind=DaemonSet,hostPorts.enabled=true,updateStrategy.rollingUpdate.maxSurge=1", []string{"updateStrategy.rollingUpdate.maxSurge is 1", "Leave it out"}},
	{"extraArgs={--drain-delay=1s}", []string{"extraArgs: --drain-delay", "drain.delaySeconds"}},
	{"metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true", []string{"metrics.podMonitor.enabled", "Choose one"}},
	{"metrics.prometheusRule.enabled=true,metrics.prometheusRule.disabled={Down}", []string{"metrics.prometheusRule.disabled", "no alert Down", "FairleadNoneReady"}},
	{"autoscaling.enabled=true,keda.enabled=true", []string{"autoscaling.enabled and keda.enabled", "Choose one"}},
	{"autoscaling.enabled=true,kind=DaemonSet", []string{"autoscaling.enabled with kind DaemonSet", "only a Deployment can be scaled"}},
	{"autoscaling.enabled=true,autoscaling.minReplicas=11", []string{"autoscaling.minReplicas is 11", "autoscaling.maxReplicas"}},
	{"autoscaling.enabled=true,autoscaling.targetCPUUtilization=0", []string{"targetCPUUtilization", "Set one"}},
	{"keda.enabled=true", []string{"keda.prometheusAddress", "such as http://"}},
}

// TestWhatMeansNothingIsRefused: before anything is installed, and with a message that helps.
func TestWhatMeansNothingIsRefused(t *testing.T) {
	t.Run("values", func(t *testing.T) {
		for _, refusal := range refusals {
			t.Run(refusal.values, func(t *testing.T) {
				t.Parallel()
				_, err := tryHelm(t.Context(), "template", "fairlead", chart, "--set", refusal.values)
				if err == nil {
					t.Fatal("it is taken")
				}
				for _, part := range refusal.message {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the message does not say %q: %v", part, err)
					}
				}
			})
		}
	})
}

// TestAParentChartIsUnderstood: as a dependency the chart is given what concerns the parent.
func TestAParentChartIsUnderstood(t *testing.T) {
	if objects := render(t, "--set", "global.imageRegistry=registry.example.com,enabled=true"); len(objects) == 0 {
		t.Error("nothing is rendered")
	}
}
