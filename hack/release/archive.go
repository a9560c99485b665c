package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// companions are what comes with the binary, from the checkout.
var companions = []string{"README.md", "CHANGELOG.md", "docs", "examples"}

// archive packs the binary of each platform. By its second name it is a plugin of kubectl.
func (r *release) archive(context.Context) error {
	for _, platform := range platforms {
		if err := r.archiveOne(platform); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) archiveOne(platform string) (err error) {
	out, err := os.Create(r.file(platform, ".tar.gz"))
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(out)
	a := archive{tar.NewWriter(packed), r.created}
	err = a.file(r.binaries[platform], "fairlead")
	if err == nil {
		err = a.tar.WriteHeader(a.header(tar.Header{Typeflag: tar.TypeSymlink, Name: "kubectl-fairlead", Linkname: "fairlead", Mode: 0o777}))
	}
	for _, name := range companions {
		if err == nil {
			err = a.tree(name)
		}
	}
	for _, c := range []io.Closer{a.tar, packed, out} {
		if closed := c.Close(); err == nil {
			err = closed
		}
	}
	return err
}

// archive is a tar whose bytes depend on its content and on one time alone.
type archive struct {
	tar *tar.Writer
	at  time.Time
}

func (a *archive) header(h tar.Header) *tar.Header {
	h.ModTime, h.Format = a.at, tar.FormatPAX
	return &h
}

// tree adds a file, or a folder with all that is in it, by sorted name.
func (a *archive) tree(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(entry.Name(), "."):
			return fmt.Errorf("%s: does not belong into a release", path)
		case entry.IsDir():
			return a.tar.WriteHeader(a.header(tar.Header{Typeflag: tar.TypeDir, Name: filepath.ToSlash(path) + "/", Mode: 0o755}))
		}
		return a.file(path, filepath.ToSlash(path))
	})
}

func (a *archive) file(path, name string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	if err := a.tar.WriteHeader(a.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))})); err != nil {
		return err
	}
	_, err = a.tar.Write(content)
	return err
}
