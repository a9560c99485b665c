package observe

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

const docs = "../../docs/metrics.md"

// everything makes every metric appear, with every label.
func everything(c *crew) {
	c.expiries["prod/chat-tls"] = time.Now()
	id := c.open("chat", 1)
	c.Ended(c.leave(c.open("chat", 1)))
	c.Ended(Outcome{Session: Session{Route: "chat"}, Reason: model.Served, Status: 200})
	c.move(id, 1, 1)
	c.Published(Publish{Took: time.Second, Changed: true})
	c.Ponged(Session{Route: "chat"}, model.ByClient, time.Millisecond)
	c.ControlPlane(true)
	c.Readiness(true, false)
	c.Built(Build{Version: "0.1.0", Revision: "da9d950"})
}

// TestTheDocsListEveryMetric compares docs/metrics.md with what is really scraped: name, type,
// labels, nothing missing and nothing left over.
func TestTheDocsListEveryMetric(t *testing.T) {
	c := newCrew(t)
	everything(c)
	families, err := c.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	scraped := map[string]string{} // name: type and labels
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		scraped[f.GetName()] = strings.ToLower(f.GetType().String()) + " " + strings.Join(labels, ", ")
	}

	documented := map[string]string{}
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(fairlead_[a-z_]+)` \\| (\\w+) \\| (.*?) ?\\| (.+) \\|$")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		labels := strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(labels)
		documented[m[1]] = m[2] + " " + strings.Join(labels, ", ")
	}
	if !maps.Equal(scraped, documented) {
		t.Errorf("%s is not current; change its table to:\n%s\nit has:\n%s", docs, rows(scraped), rows(documented))
	}
}

func rows(metrics map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		fmt.Fprintf(&b, "  %s %s\n", name, metrics[name])
	}
	return b.String()
}

// TestTheQueriesOfTheDocsUseMetricsThatExist keeps the examples from rotting.
func TestTheQueriesOfTheDocsUseMetricsThatExist(t *testing.T) {
	c := newCrew(t)
	everything(c)
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for series := range c.scrape() {
		name, _, _ := strings.Cut(series, "{")
		names = append(names, name)
	}
	used := regexp.MustCompile(`fairlead_[a-z_]+`).FindAllString(string(text), -1)
	if len(used) == 0 {
		t.Fatal("no metric is named at all")
	}
	for _, name := range used {
		if !slices.Contains(names, name) {
			t.Errorf("%s names %s, which does not exist", docs, name)
		}
	}
}
