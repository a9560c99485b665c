package annotations

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const verdictsFile = "testdata/ingress-nginx.txt"

// Somebody who comes from ingress-nginx finds every annotation that matters to tunnels, handshakes and
// their guards with a verdict. The list of names is kept by hand; -update rewrites the verdicts alone.
func TestVerdictsOnIngressNginx(t *testing.T) {
	raw, err := os.ReadFile(verdictsFile)
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	seen := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		row, found := Find(NginxPrefix + name)
		switch {
		case seen[name]:
			t.Errorf("%s stands in %s twice", name, verdictsFile)
		case !found:
			t.Errorf("%s has no row", name)
		}
		seen[name] = true
		fmt.Fprintf(&now, "%s %s\n", name, row.Verdict())
	}
	if len(seen) < 116 {
		t.Errorf("%s has %d names: some are gone", verdictsFile, len(seen))
	}
	if *update {
		if err := os.WriteFile(verdictsFile, []byte(now.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if now.String() != string(raw) {
		t.Errorf("%s is not what the table says: go test ./controllers/annotations -update\n%s", verdictsFile, now.String())
	}
}

// verdicts returns the names of rows of ingress-nginx by verdict, as the documentation lists them.
func verdicts() map[Verdict][]string {
	m := map[Verdict][]string{}
	for _, r := range Rows() {
		if r.Prefix == NginxPrefix && r.Support != Phantom {
			m[r.Verdict()] = append(m[r.Verdict()], r.Name)
		}
	}
	for names := range maps.Values(m) {
		slices.Sort(names)
	}
	return m
}
