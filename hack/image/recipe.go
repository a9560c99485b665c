package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// recipe says what an image is made of.
type recipe struct {
	binaries []binary
	path     string
	cmd      []string
	user     string
	ports    []string
	labels   map[string]string
	created  v1.Time
}

type binary struct {
	platform v1.Platform
	file     string
}

// platformImage is the image of one platform.
type platformImage struct {
	v1.Image
	platform         v1.Platform
	packed, unpacked int64
}

// image is an index of one image for each platform.
type image struct {
	v1.ImageIndex
	platforms []platformImage
}

func (r *recipe) addBinary(s string) error {
	platform, file, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("write platform=file, such as linux/%s=bin/fairlead", runtime.GOARCH)
	}
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return err
	}
	if p.OS != "linux" || p.Architecture == "" {
		return fmt.Errorf("platform %s: images are made for linux, such as linux/amd64", platform)
	}
	for _, b := range r.binaries {
		if b.platform.Equals(*p) {
			return fmt.Errorf("platform %s: has %s already", platform, b.file)
		}
	}
	r.binaries = append(r.binaries, binary{*p, file})
	return nil
}

func (r *recipe) addPort(s string) error {
	number, protocol, ok := strings.Cut(s, "/")
	if !ok {
		protocol = "tcp"
	}
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q: 1 to 65535", number)
	}
	if protocol != "tcp" && protocol != "udp" {
		return fmt.Errorf("protocol %q: tcp or udp", protocol)
	}
	r.ports = append(r.ports, number+"/"+protocol)
	return nil
}

func (r *recipe) addLabel(s string) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" {
		return fmt.Errorf("label %q: write key=value", s)
	}
	if value != "" { // what is not known is left out
		r.labels[key] = value
	}
	return nil
}

func (r *recipe) make() (image, error) {
	made := image{ImageIndex: mutate.IndexMediaType(empty.Index, types.OCIImageIndex)}
	var members []mutate.IndexAddendum
	for _, b := range r.binaries {
		one, err := r.makeOne(b)
		if err != nil {
			return made, err
		}
		made.platforms = append(made.platforms, one)
		members = append(members, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: &one.platform}})
	}
	index := mutate.AppendManifests(made.ImageIndex, members...)
	made.ImageIndex = mutate.Annotations(index, r.labels).(v1.ImageIndex)
	return made, nil
}

func (r *recipe) makeOne(b binary) (platformImage, error) {
	made := platformImage{platform: b.platform}
	content, err := os.ReadFile(b.file)
	if err != nil {
		return made, err
	}
	if err := checkBinary(b, content); err != nil {
		return made, err
	}
	made.unpacked = int64(len(content))
	packed, err := r.layer(content)
	if err != nil {
		return made, err
	}
	if made.packed, err = packed.Size(); err != nil {
		return made, err
	}
	config := v1.ConfigFile{
		OS: b.platform.OS, Architecture: b.platform.Architecture, Variant: b.platform.Variant,
		Created: r.created,
		Config: v1.Config{
			Entrypoint: []string{r.path}, Cmd: r.cmd, User: r.user, WorkingDir: "/",
			ExposedPorts: map[string]struct{}{}, Labels: r.labels,
		},
		RootFS: v1.RootFS{Type: "layers"},
	}
	for _, port := range r.ports {
		config.Config.ExposedPorts[port] = struct{}{}
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	bare, err := mutate.ConfigFile(base, &config)
	if err != nil {
		return made, err
	}
	made.Image, err = mutate.Append(bare, mutate.Addendum{
		Layer:   packed,
		History: v1.History{Created: r.created, CreatedBy: "hack/image: " + r.path},
	})
	return made, err
}

// layer is a tar of the binary and the folders that lead to it, all of them root's and of one time.
func (r *recipe) layer(content []byte) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for i, c := range r.path {
		if c == '/' && i > 0 {
			folder := tar.Header{Typeflag: tar.TypeDir, Name: r.path[1:i] + "/", Mode: 0o755, ModTime: r.created.Time}
			if err := w.WriteHeader(&folder); err != nil {
				return nil, err
			}
		}
	}
	file := tar.Header{Typeflag: tar.TypeReg, Name: path.Clean(r.path)[1:], Mode: 0o755, Size: int64(len(content)), ModTime: r.created.Time}
	if err := w.WriteHeader(&file); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}
