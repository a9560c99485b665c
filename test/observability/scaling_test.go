package observability_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// field returns what stands in an object under a path of keys.
func field(t testing.TB, object *unstructured.Unstructured, path ...string) any {
	t.Helper()
	if object == nil {
		t.Fatal("there is no such object")
	}
	value, ok, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	if err != nil || !ok {
		t.Fatalf("%s %s has no %s: %v", object.GetKind(), object.GetName(), strings.Join(path, "."), err)
	}
	return value
}

// TestOnlyOneDecidesHowManyReplicasThereAre: a Deployment that says it as well would take replicas away at each upgrade.
func TestOnlyOneDecidesHowManyReplicasThereAre(t *testing.T) {
	for values, replicas := range map[string]bool{
		"replicas=3":               true,
		"autoscaling.enabled=true": false,
		"keda.enabled=true,keda.prometheusAddress=http://prometheus:9090": false,
	} {
		deployment := render(t, values)["Deployment/"+fullname]
		if _, ok, _ := unstructured.NestedFieldNoCopy(deployment.Object, "spec", "replicas"); ok != replicas {
			t.Errorf("%s: the Deployment says how many replicas: %v, want %v", values, ok, replicas)
		}
	}
}

// TestReplicasComeAtOnceAndGoSlowly, whoever decides.
func TestReplicasComeAtOnceAndGoSlowly(t *testing.T) {
	slow := "autoscaling.scaleDown.stabilizationSeconds=3600,autoscaling.scaleDown.replicas=2,autoscaling.scaleDown.periodSeconds=900"
	hpa := render(t, "autoscaling.enabled=true,autoscaling.targetSessions=5000", slow)["HorizontalPodAutoscaler/"+fullname]
	keda := render(t, "keda.enabled=true,keda.prometheusAddress=http://prometheus:9090", slow)["ScaledObject/"+fullname]
	for _, behavior := range []any{
		field(t, hpa, "spec", "behavior"),
		field(t, keda, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"),
	} {
		var got struct {
			ScaleUp, ScaleDown struct {
				StabilizationWindowSeconds int
				Policies                   []struct {
					Type                 string
					Value, PeriodSeconds int
				}
			}
		}
		raw, err := yaml.Marshal(behavior)
		must(t, err)
		must(t, yaml.Unmarshal(raw, &got))
		down := got.ScaleDown
		if down.StabilizationWindowSeconds != 3600 || len(down.Policies) != 1 || down.Policies[0].Type != "Pods" ||
			down.Policies[0].Value != 2 || down.Policies[0].PeriodSeconds != 900 {
			t.Errorf("down: %+v", down)
		}
		if up := got.ScaleUp; up.StabilizationWindowSeconds != 0 || len(up.Policies) != 2 {
			t.Errorf("up: %+v", up)
		}
	}
	metrics, err := yaml.Marshal(field(t, hpa, "spec", "metrics"))
	must(t, err)
	for _, want := range []string{"averageUtilization: 70", "name: fairlead_sessions", `averageValue: "5000"`} {
		if !strings.Contains(string(metrics), want) {
			t.Errorf("the HorizontalPodAutoscaler lacks %s:\n%s", want, metrics)
		}
	}
}

// adapterRule is a rule of prometheus-adapter.
type adapterRule struct {
	SeriesQuery string `json:"seriesQuery"`
	Resources   struct {
		Overrides map[string]struct {
			Resource string `json:"resource"`
		} `json:"overrides"`
	} `json:"resources"`
	Name struct {
		As string `json:"as"`
	} `json:"name"`
	MetricsQuery string `json:"metricsQuery"`
}

// documentedRule reads the rule in docs/alerts.md.
func documentedRule(t *testing.T) adapterRule {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "alerts.md"))
	must(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(rules:\n.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/alerts.md has no rule for prometheus-adapter")
	}
	var config struct {
		Rules []adapterRule `json:"rules"`
	}
	must(t, yaml.UnmarshalStrict(block[1], &config))
	if len(config.Rules) != 1 {
		t.Fatalf("%d rules", len(config.Rules))
	}
	return config.Rules[0]
}

// TestSessionsAreCountedForWhoeverScales asks what KEDA and prometheus-adapter ask, and wants an idle replica to count as
// zero, and silence where nothing was scraped: zero there would take away replicas that are full.
func TestSessionsAreCountedForWhoeverScales(t *testing.T) {
	adapter := documentedRule(t)
	if adapter.Name.As != "fairlead_sessions" || adapter.Resources.Overrides["pod"].Resource != "pod" || adapter.Resources.Overrides["namespace"].Resource != "namespace" {
		t.Errorf("the rule serves %q of %v", adapter.Name.As, adapter.Resources.Overrides)
	}
	perPod := strings.NewReplacer("<<.GroupBy>>", "pod", "<<.LabelMatchers>>", `namespace="prod",pod=~"edge-fairlead-7c9d8f6b5-aaaaa|edge-fairlead-7c9d8f6b5-bbbbb"`).Replace(adapter.MetricsQuery)
	object := render(t, "keda.enabled=true,keda.prometheusAddress=http://prometheus:9090,keda.targetSessions=1234567")["ScaledObject/"+fullname]
	triggers, _ := field(t, object, "spec", "triggers").([]any)
	trigger, _ := triggers[0].(map[string]any)
	metadata, _ := trigger["metadata"].(map[string]any)
	all := fmt.Sprint(metadata["query"])
	if metadata["threshold"] != "1234567" || metadata["ignoreNullValues"] != "false" || trigger["metricType"] != "AverageValue" {
		t.Errorf("trigger %v", trigger)
	}
	asked(t, []string{perPod, all, adapter.SeriesQuery}, func(int) string { return "a query for scaling" })

	replica := func(of string, sessions string) []map[string]any {
		s := []map[string]any{{"series": shortened.Replace("fairlead_ready{@" + of + "}"), "values": "1+0x5"}}
		if sessions != "" {
			s = append(s,
				map[string]any{"series": shortened.Replace(`fairlead_sessions{@` + of + `,route="chat",endpoint="10.0.0.1:80"}`), "values": sessions},
				map[string]any{"series": shortened.Replace(`fairlead_sessions{@` + of + `,route="feed",endpoint="10.0.0.2:80"}`), "values": sessions})
		}
		return s
	}
	sample := func(pod string, value int) map[string]any {
		if pod != "" {
			pod = `pod="edge-fairlead-7c9d8f6b5-` + pod + `"`
		}
		return map[string]any{"labels": "{" + pod + "}", "value": value}
	}
	want := func(query string, samples ...map[string]any) map[string]any {
		return map[string]any{"expr": query, "eval_time": "3m", "exp_samples": samples}
	}
	busy, idle := replica("a", "2000+0x5"), replica("b", "")
	stories := []story{
		{Name: "one is idle", Interval: "1m", InputSeries: append(busy, idle...), Queries: []map[string]any{
			want(perPod, sample("aaaaa", 4000), sample("bbbbb", 0)), want(all, sample("", 4000))}},
		{Name: "both are", Interval: "1m", InputSeries: append(replica("a", ""), idle...), Queries: []map[string]any{
			want(perPod, sample("aaaaa", 0), sample("bbbbb", 0)), want(all, sample("", 0))}},
		{Name: "nothing was scraped", Interval: "1m", Queries: []map[string]any{want(perPod), want(all)}},
	}
	raw, err := yaml.Marshal(map[string]any{"evaluation_interval": "1m", "tests": stories})
	must(t, err)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "scaling.yaml"), raw)
	if out, err := tool(t, dir, "", "promtool", "test", "rules", "scaling.yaml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
