//go:build linux

package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Builder builds Go programs into a folder.
type Builder struct {
	Root  string // of the repository
	Cache string // where binaries go
}

// build builds a package of the module that the working folder is in, as it would be shipped.
func (b Builder) build(name, pkg string) (string, error) {
	return b.buildIn(b.Root, name, pkg)
}

func (b Builder) buildIn(folder, name, pkg string) (string, error) {
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return "", err
	}
	binary := filepath.Join(b.Cache, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, pkg)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}

func goVersion() string { return runtime.Version() }
