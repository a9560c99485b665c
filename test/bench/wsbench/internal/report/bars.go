package report

import (
	"fmt"
	"math"
	"strings"
)

// bar is a figure that Fairlead must reach.
type bar struct {
	title string
	cases []Case
	// figure is judged; the worst of the cases counts.
	figure string
	// of is the bound relative to peers: factor times the figure of each of them (best: of the best
	// alone, which is the same for figures that shall be small).
	factor float64
	peers  []string
	// most is an absolute bound; NaN: none.
	most float64
}

var none = math.NaN()

// rivals are the peers that bars speak of.
var rivals = []string{"nginx", "haproxy"}

func echoCases(secure bool) []Case {
	return []Case{{"echo", "100 sockets", secure}, {"echo", "1000 sockets", secure}}
}

var streamCases = []Case{{"stream", "1024 KiB down", false}, {"stream", "1024 KiB up", false}}

var churnCases = []Case{{"churn", "1000 publishes", false}, {"churn", "1000 publishes", true}}

// bars are those of the tunnel engine.
var bars = []bar{
	{"CPU per message, echo, plain, against nginx", echoCases(false), "cpu_us_per_message", 1.00, []string{"nginx"}, none},
	{"CPU per message, echo, plain, against HAProxy", echoCases(false), "cpu_us_per_message", 0.85, []string{"haproxy"}, none},
	{"CPU per message, echo, TLS", echoCases(true), "cpu_us_per_message", 1.15, rivals, none},
	{"p99 at 10,000 messages/s over 1,000 sockets", []Case{{"rate", "10000/s over 1000 sockets", false}}, "p99_us", 1, rivals, none},
	{"memory per idle tunnel, plain", []Case{{"idle", "9000 tunnels", false}}, "bytes_per_tunnel", 0.35, nil, 1.6 * 1024},
	{"memory per idle tunnel, TLS", []Case{{"idle", "9000 tunnels", true}}, "bytes_per_tunnel", 0.5, nil, none},
	{"CPU per handshake, plain", []Case{{"handshake", "", false}}, "cpu_us_per_handshake", 1, []string{"nginx"}, none},
	{"CPU per GB, 1 MiB frames, against nginx", streamCases, "cpu_ms_per_gb", 0.35, []string{"nginx"}, none},
	{"the same, against nginx with ingress-nginx's buffers", streamCases, "cpu_ms_per_gb", 0.35, []string{"nginx-ingress"}, none},
	{"the same, against HAProxy", streamCases, "cpu_ms_per_gb", 0.35, []string{"haproxy"}, none},
	{"the same, against HAProxy with its default buffers", streamCases, "cpu_ms_per_gb", 0.35, []string{"haproxy-default"}, none},
	{"tunnels closed during publishes", churnCases, "tunnels_closed", none, nil, 0},
	{"messages lost during publishes", churnCases, "messages_lost", none, nil, 0},
	{"CPU of 9,000 idle tunnels, % of a core", []Case{{"idle", "9000 tunnels", false}}, "quiet_cpu_percent", none, nil, 0.1},
}

// bars is one line for each bar that the report has figures for.
func (r *Report) bars(of string) string {
	var b strings.Builder
	b.WriteString("| bar | case | bound | measured | |\n|---|---|---|---|---|\n")
	for _, one := range bars {
		for _, c := range one.cases {
			b.WriteString(r.bar(one, c, of))
		}
	}
	return b.String()
}

// bar is the line of a bar in one of its cases; "": it was not measured.
func (r *Report) bar(b bar, c Case, of string) string {
	ours, ok := r.spread(c, of, b.figure)
	if !ok {
		return ""
	}
	bound, why := r.bound(b, c, of)
	verdict := "**missed**"
	switch {
	case why == "":
		verdict, why = "not judged", "no peer was measured"
	case ours.median <= bound:
		verdict = "met"
	}
	if r.disturbance(c) > quiet {
		verdict += ", disturbed"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", b.title, c, why, number(ours.median), verdict)
}

// bound is the least of what the bar asks for, and how it came to be; "": nothing to compare with.
func (r *Report) bound(b bar, c Case, of string) (float64, string) {
	least := math.Inf(1)
	var why []string
	if !math.IsNaN(b.most) {
		least = b.most
		why = append(why, "at most "+number(b.most))
	}
	if !math.IsNaN(b.factor) {
		best, name := r.best(b, c, of)
		if name == "" {
			return least, strings.Join(why, ", ")
		}
		least = min(least, b.factor*best)
		why = append(why, fmt.Sprintf("%.2f x %s %s = %s", b.factor, name, number(best), number(b.factor*best)))
	}
	return least, strings.Join(why, ", ")
}

// best is the lowest figure among the bar's peers, or among all that are no builds of Fairlead.
func (r *Report) best(b bar, c Case, of string) (float64, string) {
	peers := b.peers
	if peers == nil {
		for _, p := range r.Peers {
			if p.Name != of && !p.Ours {
				peers = append(peers, p.Name)
			}
		}
	}
	best, name := math.Inf(1), ""
	for _, p := range peers {
		if s, ok := r.spread(c, p, b.figure); ok && s.median < best {
			best, name = s.median, p
		}
	}
	return best, name
}
