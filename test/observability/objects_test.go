package observability_test

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// TestMonitorsFindTheReplicasOnce: the ServiceMonitor selects the Service for metrics and not the one for clients, and the
// PodMonitor the pods of the release; each scrapes a port that is there, without what it would call the port.
func TestMonitorsFindTheReplicasOnce(t *testing.T) {
	services := render(t, "metrics.serviceMonitor.enabled=true")
	var found []string
	for key, object := range services {
		if object.GetKind() == "Service" && selects(t, services["ServiceMonitor/"+fullname], object.GetLabels(), "spec", "selector", "matchLabels") {
			found = append(found, key)
		}
	}
	if len(found) != 1 || found[0] != "Service/"+fullname+"-metrics" {
		t.Fatalf("the ServiceMonitor selects %v", found)
	}
	pods := labelsOfPods(t, services["Deployment/"+fullname])
	if !selects(t, services[found[0]], pods, "spec", "selector") {
		t.Errorf("the Service for metrics does not select the pods %v", pods)
	}
	if field(t, services[found[0]], "spec", "publishNotReadyAddresses") != true {
		t.Error("a replica that is not ready, or drains, would not be scraped: that is when one looks")
	}
	monitored := render(t, "metrics.podMonitor.enabled=true,metrics.podMonitor.namespace=monitoring,metrics.podMonitor.labels.release=prom")
	podMonitor := monitored["PodMonitor/"+fullname]
	if !selects(t, podMonitor, pods, "spec", "selector", "matchLabels") || podMonitor.GetNamespace() != "monitoring" || podMonitor.GetLabels()["release"] != "prom" {
		t.Errorf("PodMonitor: %v", podMonitor.Object)
	}
	if monitored["Service/"+fullname+"-metrics"] != nil {
		t.Error("a PodMonitor needs no Service")
	}
	for _, endpoints := range []any{
		field(t, services["ServiceMonitor/"+fullname], "spec", "endpoints"),
		field(t, podMonitor, "spec", "podMetricsEndpoints"),
	} {
		raw, err := yaml.Marshal(endpoints)
		must(t, err)
		if text := string(raw); !strings.Contains(text, "port: admin\n") || !strings.Contains(text, "action: labeldrop\n    regex: endpoint\n") {
			t.Errorf("scraped:\n%s", text)
		}
	}
}

// TestAReleaseIsNotItsNeighbour: the names of pods by which alerts and KEDA find a release are those that Kubernetes gives.
func TestAReleaseIsNotItsNeighbour(t *testing.T) {
	long := strings.Repeat("abcdefghi-", 5) + "ab" // 52 letters, the most
	for _, c := range []struct{ values, pods, others string }{
		{"", "edge-fairlead-7c9d8f6b5-x2x4z", "edge-fairlead-internal-7c9d8f6b5-x2x4z edge-fairlead-x2x4z my-edge-fairlead-7c9d8f6b5-x2x4z"},
		{"kind=DaemonSet", "edge-fairlead-x2x4z", "edge-fairlead-internal-x2x4z edge-fairlead-7c9d8f6b5-x2x4z"},
		{"fullnameOverride=" + long, (long + "-7c9d8f6b5-")[:58] + "x2x4z", "edge-fairlead-7c9d8f6b5-x2x4z"},
	} {
		rules := rulesOf(t, only(render(t, "metrics.prometheusRule.enabled=true", c.values), "PrometheusRule"))
		s := story{Name: c.values, Interval: "1m"}
		for i, pod := range strings.Fields(c.pods + " " + c.others) {
			s.InputSeries = append(s.InputSeries, map[string]any{"series": `up{namespace="prod",pod="` + pod + `"}`, "values": "0+0x5"})
			if i == 0 {
				s.Queries = append(s.Queries, map[string]any{"expr": exprOf(rules, "FairleadScrapeFails"), "eval_time": "3m",
					"exp_samples": []map[string]any{{"labels": `up{namespace="prod",pod="` + pod + `"}`, "value": 0}}})
			}
		}
		raw, err := yaml.Marshal(map[string]any{"evaluation_interval": "1m", "tests": []story{s}})
		must(t, err)
		dir := t.TempDir()
		write(t, dir+"/neighbours.yaml", raw)
		if out, err := tool(t, dir, "", "promtool", "test", "rules", "neighbours.yaml"); err != nil {
			t.Errorf("%q: %v\n%s", c.values, err, out)
		}
	}
}

// only returns the object of a kind of which there is one.
func only(objects map[string]*unstructured.Unstructured, kind string) *unstructured.Unstructured {
	for _, object := range objects {
		if object.GetKind() == kind {
			return object
		}
	}
	return nil
}

func exprOf(g group, alert string) string {
	for _, r := range g.Rules {
		if r.Alert == alert {
			return r.Expr
		}
	}
	return ""
}

// TestTheNetworkPolicyLetsInWhoShall: clients to the two ports, those that are named to the admin port, and the pod of
// `helm test` wherever not everybody may come.
func TestTheNetworkPolicyLetsInWhoShall(t *testing.T) {
	name := "NetworkPolicy/" + fullname
	if render(t)[name] != nil {
		t.Error("nobody asked for one")
	}
	open := render(t, "networkPolicy.enabled=true,ports.http=80")
	wantYAML(t, field(t, open[name], "spec", "ingress"), "- ports: [{port: 80, protocol: TCP}]\n- ports: [{port: 8443, protocol: TCP}]")
	wantYAML(t, field(t, open[name], "spec", "policyTypes"), "[Ingress]")
	if !selects(t, open[name], labelsOfPods(t, open["Deployment/"+fullname]), "spec", "podSelector", "matchLabels") {
		t.Error("it is not about the replicas")
	}

	const test = "{podSelector: {matchLabels: {app.kubernetes.io/name: fairlead, app.kubernetes.io/instance: edge, app.kubernetes.io/component: test}}}"
	narrow := render(t, "networkPolicy.enabled=true,ports.http=0", "networkPolicy.clientsFrom[0].ipBlock.cidr=10.0.0.0/8",
		"networkPolicy.adminFrom[0].namespaceSelector.matchLabels.name=monitoring", "networkPolicy.egress[0].to[0].ipBlock.cidr=10.0.0.0/8")
	wantYAML(t, field(t, narrow[name], "spec", "ingress"), `
- ports: [{port: 8443, protocol: TCP}]
  from: [{ipBlock: {cidr: 10.0.0.0/8}}, `+test+`]
- ports: [{port: 9090, protocol: TCP}]
  from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]`)
	wantYAML(t, field(t, narrow[name], "spec", "egress"), "- to: [{ipBlock: {cidr: 10.0.0.0/8}}]\n- to: ["+test+"]")
	for key, object := range narrow {
		if object.GetKind() == "Pod" && !labels.SelectorFromSet(labels.Set{"app.kubernetes.io/component": "test"}).Matches(labels.Set(object.GetLabels())) {
			t.Errorf("%s, which helm test runs, is not let in: %v", key, object.GetLabels())
		}
	}
}

// TestContradictionsAreRefusedWithWhatToDo: what would be accepted and then do something else than is meant.
func TestContradictionsAreRefusedWithWhatToDo(t *testing.T) {
	for values, want := range map[string]string{
		"metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true":             "Choose one.",
		"autoscaling.enabled=true,keda.enabled=true,keda.prometheusAddress=http://p:9090": "Choose one",
		"autoscaling.enabled=true,kind=DaemonSet":                                         "only a Deployment can be scaled",
		"keda.enabled=true,keda.prometheusAddress=http://p:9090,kind=DaemonSet":           "only a Deployment can be scaled",
		"autoscaling.enabled=true,autoscaling.minReplicas=11":                             "more than autoscaling.maxReplicas, 10",
		"autoscaling.enabled=true,autoscaling.targetCPUUtilization=0":                     "Set one.",
		"autoscaling.enabled=true,resources=null":                                         "resources.requests.cpu",
		"keda.enabled=true":                       "keda.prometheusAddress",
		"keda.enabled=true,keda.targetSessions=0": "Set one.",
	} {
		if _, err := template(strings.Split(values, ",")...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", values, err, want)
		}
	}
}

// selects reports whether the selector at a path of an object takes these labels.
func selects(t testing.TB, object *unstructured.Unstructured, of map[string]string, path ...string) bool {
	t.Helper()
	selector, ok := field(t, object, path...).(map[string]any)
	if !ok || len(selector) == 0 {
		t.Fatalf("no selector: %v", selector)
	}
	for key, value := range selector {
		if of[key] != value {
			return false
		}
	}
	return true
}

func labelsOfPods(t testing.TB, workload *unstructured.Unstructured) map[string]string {
	t.Helper()
	pods, ok, err := unstructured.NestedStringMap(workload.Object, "spec", "template", "metadata", "labels")
	if err != nil || !ok {
		t.Fatalf("labels of the pods: %v", err)
	}
	return pods
}

func wantYAML(t testing.TB, got any, want string) {
	t.Helper()
	raw, err := yaml.Marshal(got)
	must(t, err)
	var value any
	must(t, yaml.Unmarshal([]byte(want), &value))
	canonical, err := yaml.Marshal(value)
	must(t, err)
	if !bytes.Equal(raw, canonical) {
		t.Errorf("got\n%swant\n%s", raw, canonical)
	}
}
