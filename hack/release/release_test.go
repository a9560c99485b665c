package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const changelog = `# Changelog

## Unreleased

- Sockets are
  [counted](docs/metrics.md) twice.
- Nothing else.

## 1.2.0 - 2026-11-20

- The first one.

## 1.1.0 - 2026-01-01

- Before that.
`

// TestNotesComeFromTheChangelog looks for each kind of version.
func TestNotesComeFromTheChangelog(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.0":              "- The first one.",
		"1.1.0":              "- Before that.",
		"1.3.0-dev.7.g12345": "- Sockets are\n  [counted](docs/metrics.md) twice.\n- Nothing else.",
	} {
		if got, err := section(changelog, version); err != nil || got != want {
			t.Errorf("%s: %q, %v", version, got, err)
		}
	}
	if _, err := section(changelog, "1.3.0"); err == nil || !strings.Contains(err.Error(), "## 1.3.0 - YYYY-MM-DD") {
		t.Errorf("a release that the changelog does not know: %v", err)
	}
	said, err := section(changelog, "1.3.0-dev")
	if got := changes(said); err != nil || !slices.Equal(got, []string{"Sockets are counted twice.", "Nothing else."}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAnArchiveIsTheSameEachTime packs the checkout's own documents twice, and unpacks them.
func TestAnArchiveIsTheSameEachTime(t *testing.T) {
	t.Chdir("../..")
	binary := filepath.Join(t.TempDir(), "fairlead")
	if err := os.WriteFile(binary, []byte("a binary"), 0o700); err != nil {
		t.Fatal(err)
	}
	var packed [][]byte
	for range 2 {
		if err := os.Chtimes(binary, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		r := release{version: "1.2.0", created: noon, out: t.TempDir(), binaries: map[string]string{"linux/arm64": binary}}
		if err := r.archiveOne("linux/arm64"); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(r.out, "fairlead_1.2.0_linux_arm64.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		packed = append(packed, content)
	}
	if !bytes.Equal(packed[0], packed[1]) {
		t.Error("two archives of the same files differ")
	}

	unpacked, err := gzip.NewReader(bytes.NewReader(packed[0]))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*tar.Header{}
	for files := tar.NewReader(unpacked); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found[h.Name] = h
		if !h.ModTime.Equal(noon) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: of %s and %d %q", h.Name, h.ModTime, h.Uid, h.Uname)
		}
	}
	for name, mode := range map[string]int64{"fairlead": 0o755, "kubectl-fairlead": 0o777, "README.md": 0o644, "docs/": 0o755, "docs/annotations.md": 0o644} {
		if h := found[name]; h == nil || h.Mode != mode {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

// TestTheChartOfARelease reads what is packaged instead of what the checkout says.
func TestTheChartOfARelease(t *testing.T) {
	t.Chdir("../..")
	r := release{version: "0.1.0-dev.7.g12345", repository: "registry.example.com/team/fairlead"}
	_, annotations := chartOf(t, r)
	for name, want := range map[string]string{
		"category": "networking", "prerelease": "true", "images": "- image: registry.example.com/team/fairlead:0.1.0-dev.7.g12345\n  name: fairlead\n",
	} {
		if got := annotations["artifacthub.io/"+name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	content, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	said, err := section(string(content), r.version)
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	if err := yaml.Unmarshal([]byte(annotations["artifacthub.io/changes"]), &entries); err != nil || !slices.Equal(entries, changes(said)) {
		t.Errorf("changes: %q, %v", entries, err)
	}

	values, err := os.ReadFile(chartFolder + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named, err := r.nameImage(values)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(values), "\n"), strings.Split(string(named), "\n")
	var changed []string
	for i := range was {
		if was[i] != is[i] {
			changed = append(changed, is[i])
		}
	}
	if len(was) != len(is) || !slices.Equal(changed, []string{"  repository: registry.example.com/team/fairlead"}) {
		t.Errorf("lines of values.yaml that changed: %q", changed)
	}
	if _, err := r.nameImage([]byte("image:\n  tag: x\n")); err == nil {
		t.Error("values without a repository are taken")
	}
}

func chartOf(t *testing.T, r release) (chart map[string]any, annotations map[string]string) {
	t.Helper()
	content, err := os.ReadFile(chartFolder + "/Chart.yaml")
	if err == nil && r.version != "" {
		content, err = r.describe(content)
	}
	var about struct{ Annotations map[string]string }
	if err := errors.Join(err, yaml.Unmarshal(content, &chart), yaml.Unmarshal(content, &about)); err != nil {
		t.Fatal(err)
	}
	return chart, about.Annotations
}

// TestArtifactHubIsToldWhatIsThere compares the checkout's annotations with what they speak of.
func TestArtifactHubIsToldWhatIsThere(t *testing.T) {
	t.Chdir("../..")
	chart, annotations := chartOf(t, release{})
	read := func(name string, into any) {
		t.Helper()
		if err := yaml.UnmarshalStrict([]byte(annotations["artifacthub.io/"+name]), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var images []struct{ Name, Image string }
	if read("images", &images); len(images) != 1 || images[0].Image != "fairlead:"+chart["appVersion"].(string) {
		t.Errorf("images %v of appVersion %v", images, chart["appVersion"])
	}
	if chart["version"] != chart["appVersion"] {
		t.Errorf("a checkout's chart has version %v and appVersion %v", chart["version"], chart["appVersion"])
	}
	var links []struct{ Name, URL string }
	read("links", &links)
	for _, l := range links {
		if _, err := os.Stat(strings.TrimPrefix(l.URL, "https://github.com/fairlead/fairlead/blob/main/")); err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
	}
	var crds []struct{ Kind, Version, Name, DisplayName, Description string }
	read("crds", &crds)
	files, err := filepath.Glob("config/crd/bases/*.yaml")
	if err != nil || len(files) != len(crds) {
		t.Fatalf("%d CRDs are told of, %v are there, %v", len(crds), files, err)
	}
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(content), "name: "+crds[i].Name+"\n") || !strings.Contains(string(content), "kind: "+crds[i].Kind+"\n") {
			t.Errorf("%s is not %+v, %v", file, crds[i], err)
		}
	}
	var examples []any
	read("crdsExamples", &examples)
	content, err := os.ReadFile("config/samples/websocketroute.yaml")
	var sample any
	if err := errors.Join(err, yaml.Unmarshal(content, &sample)); err != nil {
		t.Fatal(err)
	}
	if len(examples) != 1 || !reflect.DeepEqual(examples[0], sample) {
		t.Errorf("the example is another one than config/samples/websocketroute.yaml:\n%v\n%v", examples, sample)
	}
}

// TestAListOfPartsIsTheSameEachTime settles two runs of one list.
func TestAListOfPartsIsTheSameEachTime(t *testing.T) {
	list := func(serial, at, part string) []byte {
		said, err := settled([]byte(`{"serialNumber": "`+serial+`", "metadata": {"timestamp": "`+at+`", "component": {"bom-ref": "`+serial+`"}},
			"components": [{"name": "`+part+`", "version": "v1"}], "dependencies": [{"ref": "`+serial+`", "dependsOn": []}]}`), noon)
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	one, other := list("urn:uuid:1", "2026-01-01T00:00:00Z", "a"), list("urn:uuid:2", "2027-01-01T00:00:00Z", "a")
	if !bytes.Equal(one, other) {
		t.Errorf("two runs differ:\n%s\n%s", one, other)
	}
	serial := func(list []byte) string {
		var doc struct{ SerialNumber string }
		if err := json.Unmarshal(list, &doc); err != nil {
			t.Fatal(err)
		}
		return doc.SerialNumber
	}
	if a, b := serial(one), serial(list("", "", "b")); a == b || len(a) != len("urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
		t.Errorf("lists of different parts are called %s and %s", a, b)
	}

	file := filepath.Join(t.TempDir(), "list.json")
	if err := os.WriteFile(file, one, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := listsAll(file, []*debug.Module{{Path: "a", Version: "v1"}}); err != nil {
		t.Error(err)
	}
	for _, missing := range []*debug.Module{{Path: "a", Version: "v2"}, {Path: "b", Version: "v1"}} {
		if err := listsAll(file, []*debug.Module{missing}); err == nil {
			t.Errorf("that %v is missing is not noticed", missing)
		}
	}
}

// TestATrialFindsWhatIsWrong changes a file after its checksum was written.
func TestATrialFindsWhatIsWrong(t *testing.T) {
	r := release{out: t.TempDir()}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(r.out, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a", "1")
	write("b", "2")
	if err := r.sum(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.trySums(); err != nil {
		t.Errorf("a good release: %v", err)
	}
	write("b", "3")
	if err := r.trySums(); err == nil || !strings.HasPrefix(err.Error(), "b: ") {
		t.Errorf("a changed file: %v", err)
	}
	write("b", "2")
	write("c", "4")
	if err := r.trySums(); err == nil || !strings.HasPrefix(err.Error(), "c: ") {
		t.Errorf("a file that is not listed: %v", err)
	}
}
