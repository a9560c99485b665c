//go:build linux

package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// installed finds a program of the distribution. Where it is missing it is installed, by root and
// apt-get; everybody else is told how.
func installed(program, pkg string) (string, error) {
	if path := find(program); path != "" {
		return path, nil
	}
	command := []string{"apt-get", "install", "-y", "--no-install-recommends", pkg}
	apt, err := exec.LookPath(command[0])
	if err != nil || os.Getuid() != 0 {
		return "", fmt.Errorf("%s is not installed: %s (as root), or leave it out of --peers", program, strings.Join(command, " "))
	}
	cmd := exec.Command(apt, command[1:]...)
	// Nothing may be started that listens on this machine's ports.
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	if path := find(program); path != "" {
		return path, nil
	}
	return "", fmt.Errorf("%s brought no %s", strings.Join(command, " "), program)
}

// find looks where daemons are too, which is not in everybody's PATH.
func find(program string) string {
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path := filepath.Join(folder, program); isProgram(path) {
			return path
		}
	}
	return ""
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// versionOf is the first line that a program says about its version.
func versionOf(binary string, args ...string) string {
	out, err := exec.Command(binary, args...).CombinedOutput()
	if err != nil && len(out) == 0 {
		return "unknown: " + err.Error()
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
