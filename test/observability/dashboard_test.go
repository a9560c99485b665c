package observability_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// panel is a panel of Grafana, as far as the tests look.
type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Datasource  struct{ UID string }
	FieldConfig struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
	Targets []struct{ Expr, LegendFormat, RefID string }
}

type dashboard struct {
	SchemaVersion int
	UID, Title    string
	Panels        []panel
	Templating    struct {
		List []struct {
			Name, Type, AllValue string
			Query                any
		}
	}
	Annotations struct{ List []struct{ Expr string } }
}

func readDashboard(t *testing.T) (text string, d dashboard) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "charts", "fairlead", "files", "dashboard.json"))
	must(t, err)
	must(t, json.Unmarshal(raw, &d))
	return string(raw), d
}

// What Grafana puts in place of a variable when a test, or somebody who looks, has chosen nothing.
var chosen = strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*", "$job", ".*", "$pod", ".*", "$route", ".*")

// queries returns the queries of a dashboard, and where each stands.
func (d *dashboard) queries() (queries, where []string) {
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			queries = append(queries, chosen.Replace(target.Expr))
			where = append(where, fmt.Sprintf("panel %q, query %s", p.Title, target.RefID))
		}
	}
	return queries, where
}

// TestPanelsShowSomething: every query of the dashboard is one, asks for what a replica exposes, and has an answer after a
// minute of ordinary life.
func TestPanelsShowSomething(t *testing.T) {
	_, d := readDashboard(t)
	queries, where := d.queries()
	if len(queries) < 40 {
		t.Fatalf("%d queries; the test reads the wrong file", len(queries))
	}
	asked(t, queries, func(i int) string { return where[i] })
	answered(t, queries)
	for _, a := range d.Annotations.List {
		if a.Expr != "" { // it marks moments, and most moments have none
			asked(t, []string{chosen.Replace(a.Expr)}, func(int) string { return "annotation" })
		}
	}
	t.Logf("%d panels, %d queries", len(d.Panels), len(queries))
}

// TestLegendsNameLabelsThatTheQueryHas: a label that is aggregated away leaves an empty legend.
func TestLegendsNameLabelsThatTheQueryHas(t *testing.T) {
	_, d := readDashboard(t)
	braces := regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, m := range braces.FindAllStringSubmatch(target.LegendFormat, -1) {
				by := regexp.MustCompile(`by \([^)]*\b` + m[1] + `\b[^)]*\)`)
				if !by.MatchString(target.Expr) && strings.Contains(target.Expr, " by (") {
					t.Errorf("panel %q: its legend names %s, its query has no such label: %s", p.Title, m[1], target.Expr)
				}
			}
		}
	}
}

// TestVariablesOfferWhatIsThere: each variable that a query uses exists, and the other way round.
func TestVariablesOfferWhatIsThere(t *testing.T) {
	text, d := readDashboard(t)
	_, after := scrapes(t)
	exposed := labelsOf(after)
	values := regexp.MustCompile(`^label_values\((\w+)(?:\{.*\})?, (\w+)\)$`)
	names := map[string]bool{"__rate_interval": true, "__all": true}
	for _, v := range d.Templating.List {
		names[v.Name] = true
		if !strings.Contains(text, `=~\"$`+v.Name+`\"`) && !strings.Contains(text, "${"+v.Name+"}") {
			t.Errorf("no query uses the variable %s", v.Name)
		}
		if v.Type != "query" {
			continue
		}
		query, _ := v.Query.(map[string]any)
		m := values.FindStringSubmatch(fmt.Sprint(query["query"]))
		if m == nil {
			t.Errorf("variable %s: %v", v.Name, v.Query)
		} else if _, ok := exposed[m[1]]; !ok {
			t.Errorf("variable %s asks for %s, which no replica exposes", v.Name, m[1])
		}
		if v.AllValue != ".*" { // an empty route is one too: no route matched
			t.Errorf("variable %s: all is %q", v.Name, v.AllValue)
		}
	}
	for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text, -1) {
		if !names[m[1]] {
			t.Errorf("the variable %s does not exist", m[1])
		}
	}
}

// TestPanelsStandSideBySide: 24 columns, no panel upon another, no number twice, and each says in which unit and what for.
func TestPanelsStandSideBySide(t *testing.T) {
	_, d := readDashboard(t)
	if d.SchemaVersion != 42 || d.UID == "" || d.Title == "" {
		t.Errorf("schema %d, uid %q, title %q", d.SchemaVersion, d.UID, d.Title)
	}
	cells, ids := map[[2]int]string{}, map[int]string{}
	for _, p := range d.Panels {
		if other, ok := ids[p.ID]; ok || p.ID == 0 {
			t.Errorf("%q and %q have the same id %d", p.Title, other, p.ID)
		}
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := cells[[2]int{x, y}]; ok || x >= 24 {
					t.Fatalf("%q stands upon %q, or outside", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || !p.hasUnit() {
			t.Errorf("panel %q wants a description, a query, the chosen data source and a unit", p.Title)
		}
	}
	bottom := 0
	for at := range cells {
		bottom = max(bottom, at[1]+1)
	}
	if len(cells) != 24*bottom {
		t.Errorf("there are holes: %d cells of %d are taken", len(cells), 24*bottom)
	}
}

func (p *panel) hasUnit() bool {
	if p.FieldConfig.Defaults.Unit != "" {
		return true
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "unit" && property.Value != "" {
				return true
			}
		}
	}
	return false
}

// TestTheChartLeavesTheDashboardAsItIs: braces in it are for Grafana, and not for helm.
func TestTheChartLeavesTheDashboardAsItIs(t *testing.T) {
	text, _ := readDashboard(t)
	object := render(t, "metrics.dashboard.enabled=true")["ConfigMap/"+fullname+"-dashboard"]
	if object == nil {
		t.Fatal("there is no ConfigMap")
	}
	data, _ := object.Object["data"].(map[string]any)
	if data["fairlead.json"] != text {
		t.Errorf("the dashboard was changed on its way:\n%.300v", data["fairlead.json"])
	}
	if object.GetLabels()["grafana_dashboard"] != "1" {
		t.Errorf("Grafana's sidecar would not find it: %v", object.GetLabels())
	}
}
