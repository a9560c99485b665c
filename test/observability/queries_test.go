package observability_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// target is the labels that Prometheus adds to every series of a replica. It has them from the monitors of the chart;
// what they call the port is dropped.
var target = []string{"namespace", "job", "pod", "instance", "container"}

// labelsOf returns the labels of each metric of a scrape. Prometheus adds up.
func labelsOf(s scrape) map[string][]string {
	of := map[string][]string{"up": nil}
	for name := range s {
		metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		of[metric] = append(of[metric], "")
		for pair := range strings.SplitSeq(labels, `",`) {
			label, _, _ := strings.Cut(pair, "=")
			of[metric] = append(of[metric], label)
		}
	}
	return of
}

// asked fails the test for every query that is none, or that names a metric or a label which no replica exposes.
func asked(t *testing.T, queries []string, name func(int) string) {
	t.Helper()
	_, after := scrapes(t)
	exposed := labelsOf(after)
	for i, q := range selectors(t, queries) {
		if q.Error != "" {
			t.Errorf("%s: %s\n%s", name(i), q.Error, queries[i])
			continue
		}
		known := slices.Clone(target)
		for _, s := range q.Selectors {
			labels, ok := exposed[s.Metric]
			if !ok {
				t.Errorf("%s asks for %s, which no replica exposes", name(i), s.Metric)
			}
			for _, label := range s.Labels {
				if !slices.Contains(labels, label) && !slices.Contains(target, label) {
					t.Errorf("%s asks for the label %s, which %s does not have", name(i), label, s.Metric)
				}
			}
			known = append(known, labels...)
		}
		for _, label := range q.Grouping {
			if !slices.Contains(known, label) {
				t.Errorf("%s groups by the label %s, which none of its metrics has", name(i), label)
			}
		}
	}
}

// answered gives the two scrapes to Prometheus, five minutes of the first and five of the second, and fails the test for
// every query without an answer, which would be an empty panel.
func answered(t *testing.T, queries []string) {
	t.Helper()
	before, after := scrapes(t)
	s := story{Name: "two scrapes of a replica", Interval: "1m"}
	for name, value := range after {
		metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		if labels != "" {
			labels += ","
		}
		s.InputSeries = append(s.InputSeries, map[string]any{
			"series": fmt.Sprintf(`%s{%snamespace=%q,pod=%q,job="edge-fairlead-metrics",instance="10.0.0.9:9090",container="fairlead"}`, metric, labels, namespace, pod),
			"values": fmt.Sprintf("%g+0x5 %g+0x5", before[name], value),
		})
	}
	for _, query := range queries {
		s.Queries = append(s.Queries, map[string]any{
			// NaN, as of a quantile of nothing, is no answer.
			"expr": "count((" + query + ") > -Inf) > bool 0", "eval_time": "8m",
			"exp_samples": []map[string]any{{"labels": "{}", "value": 1}},
		})
	}
	raw, err := yaml.Marshal(map[string]any{"evaluation_interval": "1m", "tests": []story{s}})
	must(t, err)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "queries.yaml"), raw)
	if out, err := tool(t, dir, "", "promtool", "test", "rules", "queries.yaml"); err != nil {
		t.Errorf("queries without an answer: %v\n%s", err, out)
	}
}
