package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var key = regexp.MustCompile(`^( *)([A-Za-z0-9]+):(?: |$)`)

// valuesOfTheChart are the paths in values.yaml, such as service.ports.http: those with a comment "# --", which
// want to be explained, and all.
func valuesOfTheChart(t *testing.T) (explained, all []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "charts", "fairlead", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var path []string
	purpose := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimRight(line, "\n")
		bare := strings.TrimSpace(line)
		if strings.HasPrefix(bare, "#") {
			purpose = purpose || strings.HasPrefix(bare, "# --")
			continue
		}
		if found := key.FindStringSubmatch(line); found != nil {
			path = append(path[:len(found[1])/2], found[2])
			all = append(all, strings.Join(path, "."))
			if purpose {
				explained = append(explained, strings.Join(path, "."))
			}
		}
		purpose = false
	}
	return explained, all
}

var code = regexp.MustCompile("`([^`]+)`")

// explainedIn are the paths in the columns of a page's tables that are headed "value".
func explainedIn(t *testing.T, page string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	column := -1
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			column = -1 // the table is over
			continue
		}
		if at := slices.IndexFunc(cells, func(s string) bool { return strings.TrimSpace(s) == "value" }); at >= 0 {
			column = at
		} else if column >= 0 && column < len(cells) {
			for _, found := range code.FindAllStringSubmatch(cells[column], -1) {
				paths = append(paths, found[1])
			}
		}
	}
	return paths
}

// TestEveryValueIsExplained: docs/install.md has them all, once, and none that does not exist.
func TestEveryValueIsExplained(t *testing.T) {
	const page = "docs/install.md"
	wanted, all := valuesOfTheChart(t)
	got := explainedIn(t, page)
	if len(wanted) < 50 {
		t.Fatalf("values.yaml explains %d values only: is it read as it is written?", len(wanted))
	}
	for _, path := range wanted {
		if !slices.Contains(got, path) {
			t.Errorf("%s: no table headed \"value\" explains `%s`", page, path)
		}
	}
	slices.Sort(got)
	for i, path := range got {
		if !slices.Contains(all, path) {
			t.Errorf("%s explains `%s`, which values.yaml does not have", page, path)
		}
		if i > 0 && got[i-1] == path {
			t.Errorf("%s explains `%s` twice", page, path)
		}
	}
}

// TestValuesThatOtherPagesNameExist looks at the tables of the other pages.
func TestValuesThatOtherPagesNameExist(t *testing.T) {
	_, all := valuesOfTheChart(t)
	for _, page := range []string{"docs/migration.md"} {
		paths := explainedIn(t, page)
		if len(paths) == 0 {
			t.Errorf("%s has no table with a column headed \"value\"", page)
		}
		for _, path := range paths {
			if !slices.Contains(all, path) {
				t.Errorf("%s names the value `%s`, which values.yaml does not have", page, path)
			}
		}
	}
}
