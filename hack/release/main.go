package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	registry := flag.String("registry", "", "where image and chart will be published, such as ghcr.io/fairlead; empty: the chart names the image without a registry")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, strings.TrimSuffix(*registry, "/"))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one that is being made. Paths are those of the checkout, where the command runs.
type release struct {
	version, revision string
	created           time.Time
	repository        string            // of the image
	out               string            // emptied at the beginning
	work              string            // gone at the end
	binaries          map[string]string // by platform
}

var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

func run(ctx context.Context, registry string) error {
	r := release{repository: "fairlead", out: "dist/release", binaries: map[string]string{}}
	if registry != "" {
		r.repository = registry + "/fairlead"
	}
	var err error
	if r.work, err = os.MkdirTemp("", "release-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.work) }() // in the folder for what may be lost
	if err := r.prepare(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"binaries", r.build}, {"archives", r.archive}, {"image", r.image}, {"chart", r.chart}, {"lists of parts", r.parts},
		{"notes", r.notes}, {"checksums", r.sum}, {"trial", r.try},
	} {
		begun := time.Now()
		fmt.Printf("%-16s", step.name)
		if err := step.do(ctx); err != nil {
			fmt.Println()
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("%5.1f s\n", time.Since(begun).Seconds())
	}
	return r.report()
}

// prepare asks git what is released, and empties the folder.
func (r *release) prepare(ctx context.Context) (err error) {
	ask := func(args ...string) (said string) {
		if err == nil {
			said, err = output(ctx, "hack/version.sh", args...)
		}
		return said
	}
	r.version, r.revision = ask(), ask("--revision")
	created := ask("--created")
	if err != nil {
		return err
	}
	if r.created, err = time.Parse(time.RFC3339, created); err != nil {
		return fmt.Errorf("time of the commit: %w; a release is made from a git checkout", err)
	}
	// The scripts are to build this, also if somebody commits meanwhile.
	for name, value := range map[string]string{"VERSION": r.version, "REVISION": r.revision, "CREATED": created} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	return os.MkdirAll(r.out, 0o755)
}

func (r *release) build(ctx context.Context) error {
	for _, platform := range platforms {
		file := filepath.Join(r.work, strings.ReplaceAll(platform, "/", "-"), "fairlead")
		if _, err := output(ctx, "hack/build.sh", file, platform); err != nil {
			return err
		}
		r.binaries[platform] = file
	}
	return nil
}

// image makes the image of linux platforms by the script of make image.
func (r *release) image(ctx context.Context) error {
	cmd := command(ctx, "hack/image/fairlead.sh")
	cmd.Env = append(os.Environ(), "TAG="+r.version, "OUTPUT="+r.file("image", ".tar"), "PUSH=", "PLATFORMS=")
	cmd.Stdout = nil // report says it for all files
	return cmd.Run()
}

// file is the path of a file of the release: fairlead_<version>_<what><extension>.
func (r *release) file(what, extension string) string {
	return filepath.Join(r.out, "fairlead_"+r.version+"_"+strings.ReplaceAll(what, "/", "_")+extension)
}

// report lists what there is.
func (r *release) report() error {
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s, the release %s:\n", r.out, r.version)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return err
		}
		fmt.Printf("  %9.3f MB  %s\n", float64(info.Size())/1e6, f.Name())
	}
	fmt.Println("\nNothing was published. docs/releasing.md tells how it is.")
	return nil
}

// output runs a program and returns what it prints, without the last newline.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := command(ctx, name, args...)
	cmd.Stdout = nil
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}
