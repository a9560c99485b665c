package nginx_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// files reads from the folder of the test, as the command would.
var files = nginxsyntax.Source{Read: os.ReadFile, Glob: filepath.Glob}

// read parses a file of testdata; its name in messages is the bare one.
func read(t *testing.T, name string) *nginxsyntax.Config {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := nginxsyntax.Parse(filepath.ToSlash(name), content, files)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// Each configuration is what somebody could bring along; beside it stand the manifests and the report
// that he gets, for both kinds.
func TestWhatPeopleBringAlong(t *testing.T) {
	names, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(names) < 25 {
		t.Fatalf("%d configurations, %v", len(names), err)
	}
	for _, name := range names {
		for _, kind := range []nginx.Kind{nginx.WebSocketRoute, nginx.Ingress} {
			base := strings.TrimSuffix(name, ".conf")
			t.Run(filepath.Base(base)+"/"+string(kind), func(t *testing.T) {
				config := read(t, name)
				result := nginx.Migrate(config, nginx.Options{Kind: kind})
				var manifests, report bytes.Buffer
				if err := nginx.WriteYAML(&manifests, result.Objects); err != nil {
					t.Fatal(err)
				}
				if err := result.Report.WriteText(&report); err != nil {
					t.Fatal(err)
				}
				golden(t, base+"."+string(kind)+".yaml", manifests.Bytes())
				golden(t, base+"."+string(kind)+".txt", report.Bytes())
				everyDirectiveIsTold(t, config, result.Report)
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil { //nolint:gosec // a golden file is for everybody
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v (go test ./controllers/migrate/nginx -update makes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: go test ./controllers/migrate/nginx -update rewrites it\n%s", name, diff)
	}
}

// everyDirectiveIsTold wants a line in the report for every directive, or for the block that it stands
// in when the whole block has one fate.
func everyDirectiveIsTold(t *testing.T, config *nginxsyntax.Config, report *nginx.Report) {
	t.Helper()
	var walk func(list []*nginxsyntax.Directive, around bool)
	walk = func(list []*nginxsyntax.Directive, around bool) {
		for _, d := range list {
			told := around || slices.ContainsFunc(report.Lines, func(l nginx.Line) bool {
				return l.File == d.File && l.Line == d.Line && l.Directive == d.String()
			})
			if d.Block == nil && !told {
				t.Errorf("%s: nothing is told of %s", d.At(), d)
			}
			// A location that is served has lines for what is in it.
			whole := told && !slices.Contains([]string{"http", "server"}, d.Name)
			if d.Name == "location" {
				whole = around || slices.ContainsFunc(d.Block, func(in *nginxsyntax.Directive) bool { return in.Name == "internal" }) ||
					slices.ContainsFunc(report.Lines, func(l nginx.Line) bool { return l.File == d.File && l.Line == d.Line && l.Part == nginx.Lost })
			}
			if d.Name == "server" {
				whole = around || slices.ContainsFunc(report.Lines, func(l nginx.Line) bool { return l.File == d.File && l.Line == d.Line && l.Part == nginx.Lost })
			}
			walk(d.Block, whole)
		}
	}
	walk(config.Directives, false)
}
