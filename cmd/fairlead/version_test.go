package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersionOfABuild runs the script by which all binaries are made, with what the Dockerfile gives it.
func TestVersionOfABuild(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fairlead")
	build := exec.CommandContext(t.Context(), "../../hack/build.sh", file)
	build.Env = append(os.Environ(), "VERSION=1.2.3-rc.1", "REVISION=0123456789abcdef0123456789abcdef01234567", "CREATED=2026-11-20T15:00:00Z")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), file, "version").CombinedOutput()
	want := "fairlead 1.2.3-rc.1, commit 0123456789ab of 2026-11-20T15:00:00Z, " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	if err != nil || string(out) != want {
		t.Errorf("%s, %v\nwant %s", out, err, want)
	}
}

// TestVersionOfACheckout asks the script that names builds, images and charts.
func TestVersionOfACheckout(t *testing.T) {
	ask := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "../../hack/version.sh", args...).Output()
		if err != nil {
			t.Fatalf("hack/version.sh %s: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	version, tag := ask(), ask("--tag")
	if !strings.HasPrefix(version, tag) || strings.Contains(version, "+") {
		t.Errorf("version %q, tag %q: the version continues the tag, and has no + that image tags can't carry", version, tag)
	}
	if revision := ask("--revision"); revision != "" && !strings.Contains(version, ".g"+revision[:7]) && version != tag {
		t.Errorf("version %q does not name the commit %s", version, revision)
	}
}

// TestVersionOfPlainGoBuild reads what the go command leaves in a binary.
func TestVersionOfPlainGoBuild(t *testing.T) {
	stamped := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-20T15:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}
	for want, info := range map[string]*debug.BuildInfo{
		"(built without modules)": nil,
		"(devel)":                 {Main: debug.Module{Version: "(devel)"}},
		"1.2.3":                   {Main: debug.Module{Version: "v1.2.3"}},
		"0.0.1-x, commit 0123456789ab of 2026-11-20T15:00:00Z with changes": {Main: debug.Module{Version: "v0.0.1-x"}, Settings: stamped},
	} {
		if got := buildOf(info).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
