package nginx_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/migrate/nginx/syntax"
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
		config, err := syntax.Parse("nginx.conf", content, syntax.Source{})
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
