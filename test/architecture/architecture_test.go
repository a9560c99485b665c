package architecture

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var root = filepath.Join("..", "..")

// list returns our packages, read once by the go command itself.
var list = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,Deps,TestImports,XTestImports", "./...")
	cmd.Dir = root
	if err := watch(); err != nil {
		return nil, err
	}
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list ./...: %w", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// watch looks at every file that go list reads. The go command keeps the results of tests as long as
// the files that they looked at stay the same, and it doesn't see those that another process reads.
func watch() error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			_, err = os.Stat(path)
		}
		return err
	})
}

func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 2 {
		t.Fatalf("go list found %d packages; this test reads the wrong folder", len(all))
	}
	return all
}

func TestNobodyDependsOnWhatItMustNotKnow(t *testing.T) {
	for _, p := range packages(t) {
		for _, r := range rules {
			for _, line := range r.check(p) {
				t.Error(line)
			}
		}
	}
}

// TestEveryRuleCatches lets each rule judge an import that it must find, and one that it must not.
func TestEveryRuleCatches(t *testing.T) {
	for _, r := range rules {
		from, to, ok := strings.Cut(r.caught, " -> ")
		if !ok || r.why == "" {
			t.Errorf("rule of %v has no reason, or no import that it would catch", r.of)
			continue
		}
		path := to
		if first, _, _ := strings.Cut(to, "/"); slices.Contains(everything, first+"/...") {
			path = module + to
		}
		if got := r.check(pkg{ImportPath: module + from, Imports: []string{"fmt", path}}); len(got) != 1 || !strings.Contains(got[0], to) {
			t.Errorf("the rule %q finds %q in %s, want that import alone", r.why, got, r.caught)
		}
		if got := r.check(pkg{ImportPath: module + from, Deps: []string{path}}); r.deep != (len(got) == 1) {
			t.Errorf("the rule %q, deep %v, finds %q when %s goes through another package", r.why, r.deep, got, r.caught)
		}
		if got := r.check(pkg{ImportPath: module + from, XTestImports: []string{path}}); r.tests != (len(got) == 1) {
			t.Errorf("the rule %q, tests %v, finds %q when only a test has %s", r.why, r.tests, got, r.caught)
		}
	}
}

func TestTheThinkingReadsNoClock(t *testing.T) {
	for _, p := range packages(t) {
		if !matches(clockless, short(p.ImportPath)) {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, use := range clockUses(file) {
				t.Errorf("%s/%s uses %s, but must not read the clock: the same input always gives the same table; whoever calls it passes the time in",
					short(p.ImportPath), name, use)
			}
		}
	}
}

func TestAClockIsFoundUnderAnyName(t *testing.T) {
	const source = `package p
import (
	"time"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)
var d = 5 * time.Second
func f() { _ = time.Now(); go time.Sleep(d); _ = meta.Now() }`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := clockUses(file), []string{"time.Now", "time.Sleep", "meta.Now"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// clockUses returns what a file uses of readsClock.
func clockUses(file *ast.File) []string {
	names := map[string][]string{} // by the name under which the file knows the package
	for _, imported := range file.Imports {
		path := strings.Trim(imported.Path.Value, `"`)
		name := path[strings.LastIndex(path, "/")+1:]
		if imported.Name != nil {
			name = imported.Name.Name
		}
		names[name] = readsClock[path]
	}
	var uses []string
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := sel.X.(*ast.Ident); ok && slices.Contains(names[of.Name], sel.Sel.Name) {
				uses = append(uses, of.Name+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return uses
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		files, where := []string{"doc.go"}, "doc.go"
		switch {
		case len(p.GoFiles) == 0: // tests alone
			files, where = slices.Concat(p.TestGoFiles, p.XTestGoFiles), "one of its files"
		case p.Name == "main":
			files, where = append(files, "main.go"), "doc.go or main.go"
		}
		if !slices.ContainsFunc(files, func(name string) bool { return hasPackageComment(filepath.Join(p.Dir, name)) }) {
			t.Errorf("%s has no package comment in %s: say in a sentence what the package is for", short(p.ImportPath), where)
		}
	}
}

func hasPackageComment(path string) bool {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
	return err == nil && file.Doc != nil && strings.TrimSpace(file.Doc.Text()) != ""
}

func TestNamesSaySomething(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range append(slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles), p.Name) {
			for word := range strings.SplitSeq(strings.TrimSuffix(name, ".go"), "_") {
				if slices.Contains(avoided, word) {
					t.Errorf("%s: %q in a name says nothing about what is inside; name what it does", short(p.ImportPath), word)
				}
			}
		}
	}
}
