package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const house = "../.."

// TestTheImageOfTheDockerfile makes Fairlead's image from what the Dockerfile of the house says.
func TestTheImageOfTheDockerfile(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "fairlead.tar")
	runImage(t, "--binary", "linux/amd64="+compile(t, "linux/amd64"), "--tag", "fairlead:1", "--output", archive, "--dockerfile", house+"/Dockerfile",
		"--build-arg", "VERSION=1.2.3", "--build-arg", "REVISION=0123", "--build-arg", "CREATED=2026-11-20T15:00:00Z")
	_, index, _ := open(t, archive)
	config, err := platformOf(t, index, "amd64").ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if !slices.Equal(append(c.Entrypoint, c.Cmd...), []string{"/fairlead", "controller"}) {
		t.Errorf("runs %q %q", c.Entrypoint, c.Cmd)
	}
	if c.User != "65532:65532" { // a number: kubelets can't tell whether a name is root
		t.Errorf("user %q", c.User)
	}
	if ports := slices.Sorted(maps.Keys(c.ExposedPorts)); !slices.Equal(ports, []string{"8080/tcp", "8443/tcp", "9090/tcp"}) {
		t.Errorf("ports %q", ports)
	}
	for label, want := range map[string]string{"title": "Fairlead", "version": "1.2.3", "revision": "0123", "created": "2026-11-20T15:00:00Z"} {
		if got := c.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s: %q, want %q", label, got, want)
		}
	}
	manifest, err := index.IndexManifest()
	if err != nil || !maps.Equal(manifest.Annotations, c.Labels) {
		t.Errorf("annotations of the index %v, %v; registries show them, and they are the labels", manifest.Annotations, err)
	}
}

// TestTheDockerfileFitsTheChart compares what both say.
func TestTheDockerfileFitsTheChart(t *testing.T) {
	chart, err := os.ReadFile(house + "/charts/fairlead/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(chart)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ") // what is indented belongs to something else
		if strings.HasPrefix(line, key) {
			said[key] = value
		}
	}
	r := recipe{labels: map[string]string{}}
	if err := r.readDockerfile(house+"/Dockerfile", nil); err != nil {
		t.Fatal(err)
	}
	if got := r.labels["org.opencontainers.image.version"]; got != said["appVersion"] {
		t.Errorf("docker build without arguments calls it %q, the chart %q", got, said["appVersion"])
	}
	if got := r.labels["org.opencontainers.image.description"]; got != said["description"] {
		t.Errorf("described as %q, by the chart as %q", got, said["description"])
	}
	if _, known := r.labels["org.opencontainers.image.revision"]; known {
		t.Error("a revision that is not known is told")
	}
}

// TestWhatOnlyDockerCanDoIsRefused: passed over, it would make another image than Docker does.
func TestWhatOnlyDockerCanDoIsRefused(t *testing.T) {
	const good = "FROM scratch\nCOPY --from=build /out/a /a\nENTRYPOINT [\"/a\"]\n"
	for content, want := range map[string]string{
		good:                       "",
		good + "RUN /a":            "line 4: RUN can't be done",
		good + "ENV A=B":           "line 4: ENV can't be done",
		good + "COPY --from=x a b": "line 4: COPY: the image is one binary",
		good + "CMD serve":         "line 4: there is no shell",
		good + "EXPOSE http":       `port "http"`,
		strings.Replace(good, "scratch", "debian", 1):   "from debian",
		strings.Replace(good, `"/a"`, `"/b"`, 1):        "must be the binary",
		strings.Replace(good, "out/a /a", "out/a /", 1): "name the file",
		"COPY a b": "no build stage",
		"":         "file with no instructions",
	} {
		file := filepath.Join(t.TempDir(), "Dockerfile")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		r := recipe{labels: map[string]string{}}
		err := r.readDockerfile(file, nil)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q\n%v, want %q", content, err, want)
		}
	}
	r := recipe{labels: map[string]string{}}
	if err := r.readDockerfile(house+"/Dockerfile", map[string]string{"RELEASE": "1"}); err == nil || !strings.Contains(err.Error(), "no ARG RELEASE") {
		t.Errorf("an argument that the Dockerfile has not: %v", err)
	}
}

// TestDockerIsSentWhatTheBinaryIsBuiltFrom compares .dockerignore with what the go command reads.
func TestDockerIsSentWhatTheBinaryIsBuiltFrom(t *testing.T) {
	f, err := os.Open(house + "/.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(house)
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{"go.mod", "go.sum", "charts/fairlead/Chart.yaml", "hack/build.sh", "hack/version.sh"}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,Standard", "./cmd/fairlead")
	list.Dir, list.Env = house, append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOWORK=off")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for packages := json.NewDecoder(bytes.NewReader(out)); packages.More(); {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
		}
		if err := packages.Decode(&p); err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, p.Dir)
		if err != nil || strings.HasPrefix(rel, "..") {
			continue // of another module
		}
		for _, name := range slices.Concat(p.GoFiles, p.EmbedFiles) {
			needed = append(needed, filepath.Join(rel, name))
		}
	}
	if len(needed) < 100 {
		t.Fatalf("%d files only: what does the go command list?", len(needed))
	}
	for _, name := range needed {
		if out, err := ignored.MatchesOrParentMatches(name); err != nil || out {
			t.Errorf("%s is kept from Docker, %v", name, err)
		}
	}
	for _, name := range []string{".git/HEAD", ".cache/tools/helm", "bin/fairlead", "dist/fairlead-image.tar", "proxy/server_test.go"} {
		if out, err := ignored.MatchesOrParentMatches(name); err != nil || !out {
			t.Errorf("%s is sent to Docker for nothing, %v", name, err)
		}
	}
}
