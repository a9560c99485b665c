package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Names of an image in an archive: containerd and what is built on it read the first, all others the second.
const (
	annotationContainerd = "io.containerd.image.name"
	annotationReference  = "org.opencontainers.image.ref.name"
)

// containerdName is what nodes call a tag: with registry and all.
func containerdName(tag name.Tag) string {
	return strings.Replace(tag.Name(), name.DefaultRegistry, "docker.io", 1)
}

// archive writes the files of an OCI image layout into a tar, each blob once.
type archive struct {
	tar     *tar.Writer
	written map[v1.Hash]bool
}

// writeArchive writes an OCI image layout as a tar, whole or not at all.
func writeArchive(file string, made image, tags []name.Tag) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }() // renamed by then, or of no use
	a := archive{tar.NewWriter(out), map[v1.Hash]bool{}}
	err = a.layout(made, tags)
	if err == nil {
		err = a.tar.Close()
	}
	if err == nil {
		err = out.Chmod(0o644)
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(out.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

func (a *archive) layout(made image, tags []name.Tag) error {
	if err := a.json("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}); err != nil {
		return err
	}
	for _, one := range made.platforms {
		if err := a.image(one); err != nil {
			return err
		}
	}
	content, err := made.RawManifest()
	if err != nil {
		return err
	}
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	if err := a.blob(digest, int64(len(content)), bytes.NewReader(content)); err != nil {
		return err
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, tag := range tags {
		index.Manifests = append(index.Manifests, v1.Descriptor{
			MediaType: types.OCIImageIndex, Digest: digest, Size: int64(len(content)),
			Annotations: map[string]string{annotationContainerd: containerdName(tag), annotationReference: tag.TagStr()},
		})
	}
	if err := a.json("index.json", index); err != nil {
		return err
	}
	return a.dockerManifest(made.platforms[0], tags)
}

// dockerManifest serves Docker without the containerd image store, which knows no OCI layout and one
// platform only: it gets the first one. Whoever knows the layout does not look here.
func (a *archive) dockerManifest(one platformImage, tags []name.Tag) error {
	type entry struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	manifest, err := one.Manifest()
	if err != nil {
		return err
	}
	e := entry{Config: blobPath(manifest.Config.Digest)}
	for _, tag := range tags {
		e.RepoTags = append(e.RepoTags, strings.TrimPrefix(strings.TrimPrefix(containerdName(tag), "docker.io/"), "library/"))
	}
	for _, layer := range manifest.Layers {
		e.Layers = append(e.Layers, blobPath(layer.Digest))
	}
	return a.json("manifest.json", []entry{e})
}

// image writes the blobs of one platform: layers, configuration and manifest.
func (a *archive) image(one v1.Image) error {
	layers, err := one.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := a.layer(layer); err != nil {
			return err
		}
	}
	config, err := one.RawConfigFile()
	if err != nil {
		return err
	}
	configDigest, err := one.ConfigName()
	if err != nil {
		return err
	}
	if err := a.blob(configDigest, int64(len(config)), bytes.NewReader(config)); err != nil {
		return err
	}
	manifest, err := one.RawManifest()
	if err != nil {
		return err
	}
	digest, err := one.Digest()
	if err != nil {
		return err
	}
	return a.blob(digest, int64(len(manifest)), bytes.NewReader(manifest))
}

func (a *archive) layer(layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // read only
	return a.blob(digest, size, content)
}

func (a *archive) blob(digest v1.Hash, size int64, content io.Reader) error {
	if a.written[digest] {
		return nil
	}
	a.written[digest] = true
	return a.file(blobPath(digest), size, content)
}

func (a *archive) json(path string, what any) error {
	content, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return a.file(path, int64(len(content)), bytes.NewReader(content))
}

func (a *archive) file(path string, size int64, content io.Reader) error {
	if err := a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(a.tar, content)
	return err
}

func blobPath(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }
