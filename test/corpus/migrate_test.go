package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/fairlead/fairlead/controllers/migrate/ingress"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// What fairlead migrate ingress says of each file, and the WebSocketRoutes that it writes. The routes must be
// such as an API server takes.
func TestWhatIsToldToWhoeverMoves(t *testing.T) {
	eachFile(t, filepath.Join("testdata", "migrate"), func(t *testing.T, files *snapshot.Files) string {
		all, _ := files.Read()
		objects := ingress.Judge(all, func(*networkingv1.Ingress) bool { return true }, translate.Options{ResponseHeaders: options.ResponseHeaders})
		var routes strings.Builder
		for _, i := range all.Ingresses {
			written, lost := ingress.Routes(i, "fairlead")
			for n := range objects {
				if objects[n].Namespace == i.Namespace && objects[n].Name == i.Name {
					objects[n].NotInRoutes = lost
				}
			}
			for _, r := range written {
				text, err := ingress.YAML(r)
				if err != nil {
					t.Fatal(err)
				}
				routes.WriteString("---\n" + text)
			}
		}
		var report strings.Builder
		if err := ingress.Print(&report, objects); err != nil {
			t.Fatal(err)
		}
		valid(t, routes.String())
		return report.String() + "\n" + routes.String()
	})
}

// valid has the schema of the CustomResourceDefinition judge routes.
func valid(t *testing.T, routes string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(file, []byte(routes), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := snapshot.NewFiles(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := files.Read(); len(problems) > 0 {
		t.Errorf("an API server would refuse %v", problems)
	}
}
