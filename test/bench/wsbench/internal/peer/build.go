//go:build linux

package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Builder builds Go programs into a folder.
type Builder struct {
	Root  string // of the repository
	Cache string // where binaries go
}

// build builds a package of the repository as it would be shipped.
func (b Builder) build(name, pkg string) (string, error) {
	return b.buildIn(b.Root, name, pkg)
}

// buildTool builds the tool of the module test/bench/peers/NAME. The go.mod there pins its version;
// it is a module of its own because what it requires must not decide the versions of ours. The
// first time takes minutes.
func (b Builder) buildTool(name string) (string, error) {
	return b.buildIn(b.module(name), name, "tool")
}

func (b Builder) module(name string) string {
	return filepath.Join(b.Root, "test", "bench", "peers", name)
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

// toolVersion is the version of a Go module that a tool is built from.
func (b Builder) toolVersion(name, path string) string {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path)
	cmd.Dir = b.module(name)
	out, err := cmd.Output()
	if err != nil {
		return "unknown: " + err.Error()
	}
	return strings.TrimSpace(string(out)) + ", " + runtime.Version()
}
