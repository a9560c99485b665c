package nginx_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// Whatever a file holds: it is refused with a message, or it gives manifests and a report.
func FuzzMigrate(f *testing.F) {
	names, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("server { location { } location = ; listen; server_name; return; proxy_pass; }"))
	f.Add([]byte("location / { proxy_pass http://$a; set $a $a; if (x) { } rewrite; add_header; proxy_set_header; hash; }"))
	f.Fuzz(func(t *testing.T, content []byte) {
		config, err := nginxsyntax.Parse("nginx.conf", content, nginxsyntax.Source{})
		if err != nil {
			return
		}
		for _, kind := range []nginx.Kind{nginx.WebSocketRoute, nginx.Ingress} {
			result := nginx.Migrate(config, nginx.Options{Kind: kind})
			if err := nginx.WriteYAML(io.Discard, result.Objects); err != nil {
				t.Error(err)
			}
			if err := result.Report.WriteText(io.Discard); err != nil {
				t.Error(err)
			}
			everyDirectiveIsTold(t, config, result.Report)
		}
	})
}

// What no person writes ends soon, and is told: 30,000 locations that ask each other.
func TestManyLocationsEndSoon(t *testing.T) {
	var b strings.Builder
	b.WriteString("server { listen 80;\n")
	for i := range 30_000 {
		fmt.Fprintf(&b, "location /a%d { auth_request /a%d; proxy_pass http://127.0.0.1:9001; }\n", i, i+1)
	}
	b.WriteString("}\n")
	config, err := nginxsyntax.Parse("nginx.conf", []byte(b.String()), nginxsyntax.Source{})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	result := nginx.Migrate(config, nginx.Options{})
	if took := time.Since(began); took > 30*time.Second { // it is a second; without an index of names, minutes
		t.Errorf("it took %s", took)
	}
	if n := result.Report.Count(nginx.Lost); n < 28_000 {
		t.Errorf("%d lines of what is lost", n)
	}
}
