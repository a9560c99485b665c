//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/report"
)

// Every mode measures Fairlead and a naive proxy, plain and over TLS, for a moment: so that the
// bench works when it is wanted. What it measures here says nothing.
func TestEveryModeMeasures(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "report.json")
	var out, log bytes.Buffer
	err := command(t.Context(), []string{
		"run", "--root", filepath.Join("..", "..", ".."), "--cache", folder, "--output", file, "--pin=false", "--rounds", "1",
		"--peers", "naive", "--warmup", "20ms", "--window", "100ms", "--settle", "20ms", "--quiet", "50ms",
		"--echo-sockets", "20", "--rate", "2000", "--rate-sockets", "20", "--handshakes", "8", "--tunnels", "100", "--stalled-tunnels", "10",
		"--streams", "2", "--storm-sockets", "100", "--churn-sockets", "20", "--churn-rate", "1000", "--publishes", "3",
	}, &out, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	r, err := report.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, one := range r.Results {
		if one.Error != "" {
			t.Errorf("%s of %s: %s", one.Case, one.Peer, one.Error)
		}
		for name, value := range one.Figures {
			if strings.HasPrefix(name, "tunnels_closed") && value != 0 || strings.HasSuffix(name, "lost") && value != 0 {
				t.Errorf("%s of %s: %s is %v", one.Case, one.Peer, name, value)
			}
		}
		seen[one.Mode+" "+one.Peer]++
	}
	for _, mode := range allModes {
		for _, name := range []string{"fairlead", "naive"} {
			if mode == "churn" && name != "fairlead" {
				continue
			}
			if seen[mode+" "+name] < 2 {
				t.Errorf("%s was measured %d times with %s, not plain and over TLS", mode, seen[mode+" "+name], name)
			}
		}
	}
	for _, p := range r.Peers {
		text, err := json.Marshal(p)
		if err != nil || len(p.Args) == 0 {
			t.Errorf("%s is reported without how it was started: %v", p.Name, err)
		}
		if bytes.Contains(text, []byte("PRIVATE KEY")) {
			t.Errorf("the configuration of %s shows its private key", p.Name)
		}
	}

	page := filepath.Join(folder, "page.md")
	if err := os.WriteFile(page, []byte("before\n\n"+beginMarker+"\nold\n"+endMarker+"\n\nbehind\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := command(t.Context(), []string{"report", "--into", page, file}, &out, &log); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "behind\n", "### echo 20 sockets, TLS", "| fairlead |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old\n") {
		t.Error("the page still has the old results")
	}
}

// Whoever mistypes a mode or a peer is told what there is, before anything is built.
func TestMistakesAreToldAtOnce(t *testing.T) {
	for _, one := range []struct{ flag, value, want string }{
		{"--modes", "ecko", "echo, rate, handshake"},
		{"--peers", "ngnix", "nginx"},
		{"--tls", "maybe", "off, on or both"},
		{"--rounds", "0", "at least 1"},
		{"--peer", "build", "NAME=PATH"},
		{"--echo-sockets", "many", "number of sockets"},
	} {
		var log bytes.Buffer
		err := command(t.Context(), []string{"run", one.flag, one.value}, &log, &log)
		if err == nil || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s %s: %v", one.flag, one.value, err)
		}
	}
}
