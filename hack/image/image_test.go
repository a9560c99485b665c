package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// programs is where compile keeps what it has built.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "programs-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programs) // in the folder for what may be lost
	os.Exit(code)
}

// compile builds a program for a platform such as linux/arm64, once, and returns its file.
func compile(t *testing.T, platform string, flags ...string) string {
	t.Helper()
	system, architecture, _ := strings.Cut(platform, "/")
	file := filepath.Join(programs, strings.Join(append(flags, system, architecture), "-"))
	if _, err := os.Stat(file); err == nil {
		return file
	}
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", slices.Concat([]string{"build", "-o", file}, flags, []string{source})...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+architecture, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// runImage runs the command and returns what it prints.
func runImage(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatalf("image %s: %v", strings.Join(args, " "), err)
	}
	return out.String()
}

// unpack writes the files of a tar into a folder and returns their names in order.
func unpack(t *testing.T, from io.Reader, to string) (names []string) {
	t.Helper()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.ModTime.Unix() > 2000000000 || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: of %s and %d %q; the machine must leave no trace", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		file := filepath.Join(to, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, h.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
	}
}

// open reads an archive as an OCI layout and checks each digest and size in it.
func open(t *testing.T, archive string) (v1.IndexManifest, v1.ImageIndex, string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	dir := t.TempDir()
	unpack(t, f, dir)
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	names, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := outer.ImageIndex(names.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(inner); err != nil {
		t.Fatal(err)
	}
	return *names, inner, dir
}

func platformOf(t *testing.T, index v1.ImageIndex, architecture string) v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		if m.Platform.OS == "linux" && m.Platform.Architecture == architecture {
			one, err := index.Image(m.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return one
		}
	}
	t.Fatalf("no image for %s", architecture)
	return nil
}

// TestAnArchiveIsFoundByItsNames reads what containerd, Docker, Podman and skopeo look for.
func TestAnArchiveIsFoundByItsNames(t *testing.T) {
	amd64, arm64 := compile(t, "linux/amd64"), compile(t, "linux/arm64")
	archive := filepath.Join(t.TempDir(), "new", "chat.tar")
	out := runImage(t, "--binary", "linux/amd64="+amd64, "--binary", "linux/arm64="+arm64, "--output", archive,
		"--tag", "chat:0.1.0", "--tag", "registry.example.com:5000/team/chat:0.1.0-next")
	names, _, dir := open(t, archive)

	var found []string
	for _, m := range names.Manifests {
		found = append(found, m.Annotations[annotationContainerd], m.Annotations[annotationReference])
	}
	want := []string{"docker.io/library/chat:0.1.0", "0.1.0", "registry.example.com:5000/team/chat:0.1.0-next", "0.1.0-next"}
	if !slices.Equal(found, want) {
		t.Errorf("names %q, want %q", found, want)
	}
	if digest := names.Manifests[0].Digest.String(); !strings.Contains(out, digest) || !strings.Contains(out, "chat:0.1.0\n") {
		t.Errorf("the report misses the name or %s:\n%s", digest, out)
	}

	var docker []struct {
		Config           string
		RepoTags, Layers []string
	}
	content, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(content, &docker)
	}
	if err != nil || len(docker) != 1 || !slices.Equal(docker[0].RepoTags, []string{"chat:0.1.0", "registry.example.com:5000/team/chat:0.1.0-next"}) {
		t.Fatalf("manifest.json: %s, %v", content, err)
	}
	for _, blob := range append(docker[0].Layers, docker[0].Config) {
		if _, err := os.Stat(filepath.Join(dir, blob)); err != nil {
			t.Error(err)
		}
	}
}

// TestAnImageIsOneBinary looks at what a node would run.
func TestAnImageIsOneBinary(t *testing.T) {
	file := compile(t, "linux/arm64")
	archive := filepath.Join(t.TempDir(), "chat.tar")
	runImage(t, "--binary", "linux/arm64="+file, "--output", archive, "--tag", "chat:1", "--path", "/opt/chat/serve", "--cmd", "--port", "--cmd", "80",
		"--user", "7:8", "--port", "80", "--port", "53/udp", "--label", "a=b=c", "--label", "unknown=", "--created", "2026-11-20T15:00:00+01:00")
	_, index, _ := open(t, archive)
	one := platformOf(t, index, "arm64")
	config, err := one.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if !slices.Equal(append(c.Entrypoint, c.Cmd...), []string{"/opt/chat/serve", "--port", "80"}) || c.User != "7:8" ||
		!maps.Equal(c.Labels, map[string]string{"a": "b=c"}) || config.Created.Unix() != 1795183200 ||
		!slices.Equal(slices.Sorted(maps.Keys(c.ExposedPorts)), []string{"53/udp", "80/tcp"}) {
		t.Errorf("%+v", config)
	}

	layers, err := one.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	packed, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	content, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if names := unpack(t, content, dir); !slices.Equal(names, []string{"opt/", "opt/chat/", "opt/chat/serve"}) {
		t.Errorf("files %q", names)
	}
	was, err1 := os.ReadFile(file)
	is, err2 := os.ReadFile(filepath.Join(dir, "opt", "chat", "serve"))
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(was, is) {
		t.Errorf("the binary is another one, %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "opt", "chat", "serve")); err != nil || info.Mode().Perm()&0o111 != 0o111 {
		t.Errorf("not everybody may run it: %v, %v", info.Mode(), err)
	}
}

// TestTheSameInputGivesTheSameArchive runs twice, at two times and from two folders.
func TestTheSameInputGivesTheSameArchive(t *testing.T) {
	file := compile(t, "linux/amd64")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, content, 0o600); err != nil { // its mode must not count
		t.Fatal(err)
	}
	var archives [][]byte
	for _, file := range []string{file, other} {
		archive := filepath.Join(t.TempDir(), "chat.tar")
		runImage(t, "--binary", "linux/amd64="+file, "--output", archive, "--tag", "chat:1", "--port", "1", "--port", "2", "--label", "a=1", "--label", "b=2")
		content, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, content)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of the same binary differ")
	}
}

// TestWhatIsWrongIsSaid also leaves no archive behind.
func TestWhatIsWrongIsSaid(t *testing.T) {
	amd64, darwin := compile(t, "linux/amd64"), compile(t, "darwin/arm64")
	loaded := compile(t, "linux/amd64", "-buildmode=pie") // needs the loader of a distribution
	archive := filepath.Join(t.TempDir(), "chat.tar")
	good := []string{"--binary", "linux/amd64=" + amd64, "--tag", "chat:1", "--output", archive}
	for want, args := range map[string][]string{
		"no --binary":                        {"--tag", "chat:1", "--output", archive},
		"neither --output nor --push":        good[:4],
		"--output without --tag":             append(slices.Clone(good[:2]), good[4:]...),
		"built for EM_X86_64, not for arm64": {"--binary", "linux/arm64=" + amd64, "--tag", "chat:1", "--output", archive},
		"CGO_ENABLED=0":                      {"--binary", "linux/amd64=" + loaded, "--tag", "chat:1", "--output", archive},
		"GOOS=linux":                         {"--binary", "linux/arm64=" + darwin, "--tag", "chat:1", "--output", archive},
		"images are made for linux":          {"--binary", "darwin/arm64=" + darwin},
		"has " + amd64 + " already":          append(slices.Clone(good), "--binary", "linux/amd64="+amd64),
		"no such file":                       {"--binary", "linux/arm64=/nowhere", "--tag", "chat:1", "--output", archive},
		"write platform=file":                {"--binary", amd64},
		"give a tag too":                     append(slices.Clone(good), "--tag", "chat"),
		"can only contain":                   append(slices.Clone(good), "--tag", "Chat!:1"),
		"1 to 65535":                         append(slices.Clone(good), "--port", "0"),
		"tcp or udp":                         append(slices.Clone(good), "--port", "53/quic"),
		"write key=value":                    append(slices.Clone(good), "--label", "a"),
		"neither RFC 3339":                   append(slices.Clone(good), "--created", "yesterday"),
		"absolute path":                      append(slices.Clone(good), "--path", "chat"),
		"everything is a flag":               append(slices.Clone(good), "chat"),
		"comes from --dockerfile":            append(slices.Clone(good), "--user", "0", "--dockerfile", "Dockerfile"),
	} {
		err := run(context.Background(), args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(archive)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
