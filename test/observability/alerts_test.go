package observability_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// rule is a rule as Prometheus reads it.
type rule struct {
	Alert       string            `json:"alert,omitempty"`
	Record      string            `json:"record,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// group is the one group of rules of a PrometheusRule.
type group struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

// rulesOf returns the rules of the release's PrometheusRule.
func rulesOf(t testing.TB, object *unstructured.Unstructured) group {
	t.Helper()
	if object == nil {
		t.Fatal("there is no PrometheusRule")
	}
	var spec struct{ Groups []group }
	raw, err := json.Marshal(object.Object["spec"])
	must(t, err)
	must(t, json.Unmarshal(raw, &spec))
	if len(spec.Groups) != 1 {
		t.Fatalf("%d groups, want one", len(spec.Groups))
	}
	return spec.Groups[0]
}

func installed(t testing.TB) group {
	t.Helper()
	return rulesOf(t, render(t, "metrics.prometheusRule.enabled=true")["PrometheusRule/"+fullname])
}

// shortened writes the names of replicas as series and as labels of an alert.
var shortened = strings.NewReplacer(
	"@a", `namespace="prod",pod="edge-fairlead-7c9d8f6b5-aaaaa"`,
	"@b", `namespace="prod",pod="edge-fairlead-7c9d8f6b5-bbbbb"`,
	"replica: a", `namespace: prod, pod: edge-fairlead-7c9d8f6b5-aaaaa`,
	"replica: b", `namespace: prod, pod: edge-fairlead-7c9d8f6b5-bbbbb`,
)

// story is a test of promtool.
type story struct {
	Name        string           `json:"name"`
	Interval    string           `json:"interval"`
	InputSeries []map[string]any `json:"input_series"`
	Alerts      []expected       `json:"alert_rule_test,omitempty"`
	Queries     []map[string]any `json:"promql_expr_test,omitempty"`
}

type expected struct {
	EvalTime  string           `json:"eval_time"`
	Alertname string           `json:"alertname"`
	ExpAlerts []map[string]any `json:"exp_alerts"`
}

// TestAlertsFireWhenTheyShallAndOnlyThen runs the stories of testdata/alerts, at least one of each kind for each alert, by
// promtool. Descriptions are left out there: they are the same for all series.
func TestAlertsFireWhenTheyShallAndOnlyThen(t *testing.T) {
	rules := installed(t)
	for i := range rules.Rules {
		delete(rules.Rules[i].Annotations, "description")
	}
	raw, err := yaml.Marshal(map[string]any{"groups": []group{rules}})
	must(t, err)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), raw)

	count := 0
	for _, r := range rules.Rules {
		t.Run(r.Alert, func(t *testing.T) {
			stories := storiesOf(t, r.Alert)
			count += len(stories)
			raw, err := yaml.Marshal(map[string]any{"rule_files": []string{"rules.yaml"}, "evaluation_interval": stories[0].Interval, "tests": stories})
			must(t, err)
			name := r.Alert + "_test.yaml"
			write(t, filepath.Join(dir, name), raw)
			if out, err := tool(t, dir, "", "promtool", "test", "rules", name); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Logf("%d alerts, %d stories", len(rules.Rules), count)
}

// storiesOf reads the stories of an alert and wants both kinds among them.
func storiesOf(t *testing.T, alert string) []story {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "alerts", alert+".yaml"))
	if err != nil {
		t.Fatalf("an alert that nobody has seen fire: write its stories. %v", err)
	}
	var stories []story
	must(t, yaml.UnmarshalStrict([]byte(shortened.Replace(string(text))), &stories))
	fires, silent := false, false
	for i := range stories {
		if stories[i].Interval == "" {
			stories[i].Interval = "1m"
		}
		firesHere := false
		for j := range stories[i].Alerts {
			stories[i].Alerts[j].Alertname = alert
			firesHere = firesHere || len(stories[i].Alerts[j].ExpAlerts) > 0
		}
		fires, silent = fires || firesHere, silent || !firesHere
	}
	if !fires || !silent {
		t.Errorf("among its stories there is one that fires: %v, and one that almost does: %v; want both", fires, silent)
	}
	return stories
}

func TestEveryStoryIsOfAnAlert(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "alerts", "*.yaml"))
	must(t, err)
	rules := installed(t).Rules
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.Alert == name }) {
			t.Errorf("%s: there is no such alert", file)
		}
	}
}

// TestTheRuleFileIsOneOfPrometheus: who has no operator gives the file to Prometheus as it is.
func TestTheRuleFileIsOneOfPrometheus(t *testing.T) {
	out, err := tool(t, filepath.Join(root, "charts", "fairlead", "files"), "", "promtool", "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestWhoeverIsWokenIsToldWhatToDo looks at what an alert says, and that docs/alerts.md has an entry for it.
func TestWhoeverIsWokenIsToldWhatToDo(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "alerts.md"))
	must(t, err)
	for _, r := range installed(t).Rules {
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || len(r.Annotations["description"]) < 100 || strings.Contains(r.Annotations["description"], "{{") {
			t.Errorf("%s: wants a summary, and a description without any series in it: %q", r.Alert, r.Annotations)
		}
		if strings.Count(string(page), "\n### "+r.Alert+"\n") != 1 {
			t.Errorf("docs/alerts.md wants one entry ### %s", r.Alert)
		}
	}
}

// TestAlertsAskForWhatIsExposed: an alert on a metric or a label that nobody exposes never fires.
func TestAlertsAskForWhatIsExposed(t *testing.T) {
	rules := installed(t)
	queries := make([]string, len(rules.Rules))
	for i, r := range rules.Rules {
		queries[i] = r.Expr
	}
	asked(t, queries, func(i int) string { return rules.Rules[i].Alert })
	for _, query := range queries {
		if strings.Contains(query, "job=") {
			t.Errorf("it still asks for the job of the file, and not for the pods of the release: %s", query)
		}
	}
}

func TestAlertsAreChosenAndLabelled(t *testing.T) {
	rules := rulesOf(t, render(t, "metrics.prometheusRule.enabled=true", "metrics.prometheusRule.alertLabels.team=platform",
		"metrics.prometheusRule.disabled={FairleadRestarted,FairleadClientsLost}", "drain.timeoutSeconds=600",
		"metrics.prometheusRule.extraRules[0].alert=Ours", "metrics.prometheusRule.extraRules[0].expr=vector(1)")["PrometheusRule/"+fullname])
	byName := map[string]rule{}
	for _, r := range rules.Rules {
		byName[r.Alert] = r
		if r.Alert != "Ours" && r.Labels["team"] != "platform" {
			t.Errorf("%s has not the label of the values: %v", r.Alert, r.Labels)
		}
	}
	if len(byName) != len(installed(t).Rules)-2+1 || byName["FairleadRestarted"].Expr != "" || byName["Ours"].Expr == "" {
		t.Errorf("two were left out and one was added; there are %d", len(byName))
	}
	// 10 s of delay, 600 s of drain, 5 s to end in, and a minute.
	if got := byName["FairleadDrainStuck"].For; got != "675s" {
		t.Errorf("a drain may take 615 s; the alert comes after %s", got)
	}
	_, err := template("metrics.prometheusRule.enabled=true", "metrics.prometheusRule.disabled={FairleadRestart}")
	if err == nil || !strings.Contains(err.Error(), "no alert FairleadRestart. There are: FairleadAbsent") {
		t.Errorf("a name that is none: %v", err)
	}
}
