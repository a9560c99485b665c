// Command selectors tells what queries for Prometheus name, by Prometheus' own parser: it reads a JSON
// list of queries and writes a JSON list with, for each, its selectors and the labels that it groups by.
// So a test can say that a query asks for a metric or a label that nobody exposes: Prometheus itself
// answers such a query with nothing, and an alert on it never fires.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// query is what one query names.
type query struct {
	Error     string     `json:"error,omitempty"` // it is none
	Selectors []selector `json:"selectors"`
	Grouping  []string   `json:"grouping"` // labels in by, without, on, ignoring, group_left and group_right
}

// selector is one use of a metric.
type selector struct {
	Metric string   `json:"metric"`
	Labels []string `json:"labels"` // of its matchers
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "selectors:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var texts []string
	if err := json.NewDecoder(in).Decode(&texts); err != nil {
		return fmt.Errorf("read a JSON list of queries: %w", err)
	}
	parse := parser.NewParser(parser.Options{})
	found := make([]query, len(texts))
	for i, text := range texts {
		expr, err := parse.ParseExpr(text)
		if err != nil {
			found[i].Error = err.Error()
			continue
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			found[i].note(node)
			return nil
		})
	}
	return json.NewEncoder(out).Encode(found)
}

// note writes down what a node of the syntax tree names.
func (q *query) note(node parser.Node) {
	switch n := node.(type) {
	case *parser.VectorSelector:
		s := selector{Metric: n.Name}
		for _, m := range n.LabelMatchers {
			if m.Name != model.MetricNameLabel {
				s.Labels = append(s.Labels, m.Name)
			}
		}
		q.Selectors = append(q.Selectors, s)
	case *parser.AggregateExpr:
		q.Grouping = append(q.Grouping, n.Grouping...)
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			q.Grouping = append(q.Grouping, n.VectorMatching.MatchingLabels...)
			q.Grouping = append(q.Grouping, n.VectorMatching.Include...)
		}
	}
}
