package main

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// try uses the release as whoever downloads it would.
func (r *release) try(ctx context.Context) error {
	return errors.Join(r.trySums(), r.tryArchives(ctx), r.tryImage(ctx), r.tryChart(ctx), r.tryParts())
}

func (r *release) trySums() error {
	list, err := os.ReadFile(filepath.Join(r.out, checksums))
	if err != nil {
		return err
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(list)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		listed[name] = sum
	}
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(r.out, f.Name()))
		if err != nil {
			return err
		}
		if f.Name() != checksums && listed[f.Name()] != fmt.Sprintf("%x", sha256.Sum256(content)) {
			return fmt.Errorf("%s: its checksum is %q in %s", f.Name(), listed[f.Name()], checksums)
		}
	}
	return nil
}

func (r *release) tryArchives(ctx context.Context) error {
	for _, platform := range platforms {
		file := r.file(platform, ".tar.gz")
		dir := filepath.Join(r.work, "unpacked", filepath.Base(file))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if _, err := output(ctx, "tar", "-xzf", file, "-C", dir); err != nil {
			return err
		}
		for _, name := range append([]string{"fairlead"}, companions...) {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if err := r.tryBinary(ctx, dir, platform); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// tryBinary runs the binary where it can, by both of its names, and otherwise reads what it is.
func (r *release) tryBinary(ctx context.Context, dir, platform string) error {
	info, err := buildinfo.ReadFile(filepath.Join(dir, "fairlead"))
	if err != nil {
		return err
	}
	if is := setting(info, "GOOS") + "/" + setting(info, "GOARCH"); is != platform {
		return fmt.Errorf("the binary is for %s", is)
	}
	if platform != runtime.GOOS+"/"+runtime.GOARCH {
		return nil
	}
	for _, name := range []string{"fairlead", "kubectl-fairlead"} {
		said, err := output(ctx, filepath.Join(dir, name), "version")
		if err != nil {
			return err
		}
		if !strings.HasPrefix(said, "fairlead "+r.version+", commit "+r.revision[:12]) {
			return fmt.Errorf("%s version says %q, and not %s of %s", name, said, r.version, r.revision)
		}
	}
	return nil
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// tryImage looks for the name by which nodes will know the image.
func (r *release) tryImage(ctx context.Context) error {
	said, err := output(ctx, "tar", "-xOf", r.file("image", ".tar"), "index.json")
	if err != nil {
		return err
	}
	var index struct {
		Manifests []struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal([]byte(said), &index); err != nil {
		return fmt.Errorf("index.json of the image: %w", err)
	}
	want := "docker.io/library/fairlead:" + r.version
	for _, m := range index.Manifests {
		if m.Annotations["io.containerd.image.name"] == want {
			return nil
		}
	}
	return fmt.Errorf("the image is not called %s: %s", want, said)
}

func (r *release) tryChart(ctx context.Context) error {
	helm, err := output(ctx, "hack/helm/build.sh")
	if err != nil {
		return err
	}
	chart := filepath.Join(r.out, "fairlead-"+r.version+".tgz")
	if _, err := output(ctx, helm, "lint", "--strict", chart); err != nil {
		return err
	}
	objects, err := output(ctx, helm, "template", "release", chart)
	if err != nil {
		return err
	}
	image := "image: " + r.repository + ":" + r.version
	if plain := strings.NewReplacer(`"`, "", `'`, "").Replace(objects); !strings.Contains(plain, image+"\n") {
		return fmt.Errorf("%s: nothing in it runs %s", chart, image)
	}
	return nil
}

// tryParts compares the lists with what the go command has written into the binaries.
func (r *release) tryParts() error {
	for _, platform := range platforms {
		info, err := buildinfo.ReadFile(r.binaries[platform])
		if err != nil {
			return err
		}
		lists := []string{r.file(platform, ".cdx.json")}
		if architecture, ok := strings.CutPrefix(platform, "linux/"); ok {
			lists = append(lists, r.file("image_"+architecture, ".cdx.json"))
		}
		for _, list := range lists {
			if err := listsAll(list, info.Deps); err != nil {
				return err
			}
		}
	}
	return nil
}

func listsAll(list string, modules []*debug.Module) error {
	content, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var parts struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(content, &parts); err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	listed := map[string]string{}
	for _, c := range parts.Components {
		listed[c.Name] = c.Version
	}
	if len(modules) == 0 {
		return fmt.Errorf("%s: the binary names no module that it is made of", list)
	}
	for _, m := range modules {
		if listed[m.Path] != m.Version {
			return fmt.Errorf("%s: lists %s %q, and the binary has %s", list, m.Path, listed[m.Path], m.Version)
		}
	}
	return nil
}
