package report

import (
	"path/filepath"
	"strings"
	"testing"
)

// run is a report of three rounds.
func run(c Case, figure string, values map[string][3]float64) *Report {
	r := &Report{Peers: []Peer{{Name: "fairlead", Ours: true}, {Name: "before", Ours: true}, {Name: "nginx"}, {Name: "haproxy"}, {Name: "caddy"}}}
	for peer, rounds := range values {
		for i, value := range rounds {
			r.Results = append(r.Results, Result{Case: c, Peer: peer, Round: i + 1, Figures: map[string]float64{figure: value}})
		}
	}
	return r
}

// The medians are compared, not the best or the last rounds, and the reader sees how far they spread.
func TestTableShowsMediansAndRatios(t *testing.T) {
	c := Case{Mode: "echo", Variant: "100 sockets"}
	r := run(c, "cpu_us_per_message", map[string][3]float64{"fairlead": {12, 8, 10}, "nginx": {19, 30, 20}})
	r.Results = append(r.Results, Result{Case: c, Peer: "caddy", Round: 2, Error: "it ended"})
	got := r.table(c, "fairlead")
	for _, want := range []string{
		"### echo 100 sockets, plain", "| proxy | CPU us/message | fairlead / it | messages/s |",
		"| fairlead | 10 (8 to 12) | | | |", "| nginx | 20 (19 to 30) | 0.50 | | |", "Round 2 of caddy failed: it ended",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

// A bar says what it asks for, and whether it is met.
func TestBars(t *testing.T) {
	echo := Case{Mode: "echo", Variant: "100 sockets"}
	idle := Case{Mode: "idle", Variant: "9000 tunnels"}
	churn := Case{Mode: "churn", Variant: "1000 publishes", TLS: true}
	for _, one := range []struct {
		name   string
		c      Case
		figure string
		values map[string][3]float64
		want   []string
		not    string
	}{
		{"met against one and missed against the other", echo, "cpu_us_per_message",
			map[string][3]float64{"fairlead": {10, 10, 10}, "nginx": {10, 10, 10}, "haproxy": {11, 11, 11}},
			[]string{"1.00 x nginx 10 = 10 | 10 | met |", "0.85 x haproxy 11 = 9.35 | 10 | **missed** |"}, ""},
		{"the best of all peers counts, but no build of Fairlead", idle, "bytes_per_tunnel",
			map[string][3]float64{"fairlead": {700, 700, 700}, "before": {100, 100, 100}, "nginx": {9000, 9000, 9000}, "caddy": {3000, 3000, 3000}},
			[]string{"at most 1638, 0.35 x caddy 3000 = 1050 | 700 | met |"}, "before"},
		{"a bound that stands by itself", idle, "bytes_per_tunnel",
			map[string][3]float64{"fairlead": {2000, 2000, 2000}, "nginx": {9000, 9000, 9000}},
			[]string{"at most 1638, 0.35 x nginx 9000 = 3150 | 2000 | **missed** |"}, ""},
		{"nothing may be lost", churn, "messages_lost", map[string][3]float64{"fairlead": {0, 1, 1}},
			[]string{"at most 0 | 1 | **missed** |"}, ""},
		{"without the peer there is no verdict", echo, "cpu_us_per_message", map[string][3]float64{"fairlead": {10, 10, 10}},
			[]string{"no peer was measured | 10 | not judged |"}, "met"},
	} {
		t.Run(one.name, func(t *testing.T) {
			got := run(one.c, one.figure, one.values).bars("fairlead")
			for _, want := range one.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in:\n%s", want, got)
				}
			}
			if one.not != "" && strings.Contains(got, one.not) {
				t.Errorf("%q in:\n%s", one.not, got)
			}
		})
	}
}

// A report that was kept is the one that was written.
func TestReportIsKept(t *testing.T) {
	c := Case{Mode: "rate", Variant: "10000/s over 1000 sockets", TLS: true}
	r := run(c, "p99_us", map[string][3]float64{"fairlead": {1, 2, 3}})
	name := filepath.Join(t.TempDir(), "report.json")
	if err := r.Write(name); err != nil {
		t.Fatal(err)
	}
	back, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := back.table(c, "fairlead"), r.table(c, "fairlead"); got != want {
		t.Errorf("%s\nis not\n%s", got, want)
	}
	if _, err := Read(name + ".none"); err == nil {
		t.Error("a report that is not there was read")
	}
}
