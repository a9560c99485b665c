package migrate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// Whatever a configuration becomes, fairlead check has nothing to say against it, and a route table
// comes out of it.
func TestCheckAcceptsWhatMigrateWrites(t *testing.T) {
	folder := filepath.Join("..", "..", "controllers", "migrate", "nginx", "testdata")
	names, err := filepath.Glob(filepath.Join(folder, "*.conf"))
	if err != nil || len(names) < 25 {
		t.Fatalf("%d configurations, %v", len(names), err)
	}
	for _, name := range names {
		for _, kind := range []nginx.Kind{nginx.WebSocketRoute, nginx.Ingress} {
			t.Run(filepath.Base(name)+"/"+string(kind), func(t *testing.T) {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				config, err := nginxsyntax.Parse(filepath.ToSlash(name), content, nginxsyntax.Source{Read: os.ReadFile, Glob: filepath.Glob})
				if err != nil {
					t.Fatal(err)
				}
				tls := t.TempDir()
				result := nginx.Migrate(config, nginx.Options{Kind: kind, Namespace: "prod", Read: func(asked string) ([]byte, error) {
					if strings.HasSuffix(asked, ".htpasswd") {
						return []byte("ann:$apr1$aaaaaaaa$VwB6yZcq0LKcF6lGl4jtF/\n"), nil
					}
					base := filepath.Join(tls, strings.TrimSuffix(strings.TrimSuffix(filepath.Base(asked), ".crt"), ".key"))
					if _, err := os.Stat(base + ".crt"); err != nil {
						writeCertificate(t, base)
					}
					return os.ReadFile(base + filepath.Ext(asked))
				}})
				if len(result.Report.Commands) > 0 {
					t.Errorf("left to do: %q", result.Report.Commands)
				}
				accepted(t, result)
			})
		}
	}
}

func accepted(t *testing.T, result nginx.Result) {
	t.Helper()
	var manifests bytes.Buffer
	if err := nginx.WriteYAML(&manifests, result.Objects); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "all.yaml")
	write(t, file, manifests.Bytes())
	files, err := snapshot.NewFiles(file)
	if err != nil {
		t.Fatal(err)
	}
	table, problems := controllers.Check(files, translate.Options{})
	for _, p := range problems {
		t.Error(p.Error())
	}
	if len(table.View()) == 0 {
		t.Error("no route came out of it")
	}
}
