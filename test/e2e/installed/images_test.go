package installed_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The images that nodes have. No node pulls any.
const (
	fairleadImage = "fairlead"
	nextImage     = "fairlead-next"
	chatImage     = "chat"

	// nextVersion is a version of Fairlead that comes after the checkout's: the same source with another stamp.
	nextVersion = "99.0.0"
)

// archive is where the OCI archive of an image is.
func archive(image string) string { return filepath.Join(workshop, image+".tar") }

// buildImages builds the images for this machine and sees to it that helm is there.
func buildImages() error {
	tool, err := script("hack/image/build.sh")
	if err != nil {
		return err
	}
	if _, err := script("hack/helm/build.sh"); err != nil {
		return err
	}
	tag, err := script("hack/version.sh", "--tag")
	if err != nil {
		return err
	}
	bin := func(name string) string { return filepath.Join(workshop, "bin-"+name) }
	for _, step := range []*exec.Cmd{
		command(nil, "hack/build.sh", bin(fairleadImage), "linux/"+runtime.GOARCH),
		command([]string{"VERSION=" + nextVersion}, "hack/build.sh", bin(nextImage), "linux/"+runtime.GOARCH),
		command([]string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin(chatImage), "./test/chat/pod"),
		pack(tool, bin(fairleadImage), archive(fairleadImage), "fairlead:"+tag),
		pack(tool, bin(nextImage), archive(nextImage), "fairlead:"+nextVersion),
		pack(tool, bin(chatImage), archive(chatImage), "chat:test"),
	} {
		if out, err := step.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", step, err, out)
		}
	}
	return nil
}

func pack(tool, binary, output, tag string) *exec.Cmd {
	name, _, _ := strings.Cut(tag, ":")
	return command(nil, tool, "--binary", "linux/"+runtime.GOARCH+"="+binary, "--path", "/"+name, "--tag", tag, "--output", output)
}

// command is a command that runs in the checkout.
func command(environment []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	if strings.HasPrefix(name, "hack/") {
		cmd = exec.Command(filepath.Join(checkout, name), args...)
	}
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), environment...)
	return cmd
}

// script runs a script of the checkout and returns what it prints.
func script(name string, args ...string) (string, error) {
	cmd := command(nil, name, args...)
	cmd.Stderr = os.Stderr // it tells of builds that take minutes
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
