package nodes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/fairlead/fairlead/test/cluster"
)

// pauseImage holds the namespaces of each pod.
const pauseImage = "localhost/pause:1"

// BuildImage builds a main package of this repository, such as ./test/chat/pod, as a static binary into an image with the given
// reference, such as localhost/chat:1, and returns the path of its OCI archive, which LoadImage takes. The binary is the entrypoint, under
// the name of the package's folder, and runs as uid 65532. The archive is in a temporary folder that ends with the run.
func BuildImage(ctx context.Context, reference, packagePath string) (archive string, err error) {
	root, err := cluster.Root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "image-")
	if err != nil {
		return "", err
	}
	name := filepath.Base(packagePath)
	binary, archive := filepath.Join(dir, name), filepath.Join(dir, name+".tar")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binary, packagePath)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", packagePath, err, out)
	}
	pack := exec.CommandContext(ctx, filepath.Join(root, ".cache", "tools", "image"),
		"--binary", "linux/"+runtime.GOARCH+"="+binary, "--path", "/"+name, "--tag", reference, "--output", archive)
	if out, err := pack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the image %s (hack/image/build.sh builds the tool): %w\n%s", reference, err, out)
	}
	return archive, os.Remove(binary)
}
