package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// caches are the folders below .cache with programs that take minutes to build. Pages use those that are there.
var caches = []string{"kube", "tools", "crds"}

// Checkout copies the checkout in root into folder, as a reader has it after git clone: without what was built in
// it, so that a page that forgets a step fails, and nothing that a page does meets what somebody else does in the
// same checkout. It has no .git. The tools are shared.
func Checkout(root, folder string) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (name == ".git" || name == ".cache" || name == "bin" || name == "dist"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(folder, name), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		return copyFile(path, filepath.Join(folder, name), entry)
	})
	if err != nil {
		return fmt.Errorf("copy the checkout: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(folder, ".cache"), 0o755); err != nil {
		return err
	}
	for _, name := range caches {
		shared := filepath.Join(root, ".cache", name)
		if err := os.MkdirAll(shared, 0o755); err != nil {
			return err
		}
		if err := os.Symlink(shared, filepath.Join(folder, ".cache", name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}
