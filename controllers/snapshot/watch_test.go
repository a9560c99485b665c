package snapshot

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watched starts watching paths and returns a function that waits until the only route's only host
// is the given one.
func watched(t *testing.T, paths ...string) func(host string) {
	t.Helper()
	f, err := NewFiles(paths...)
	if err != nil {
		t.Fatal(err)
	}
	states := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- f.Watch(ctx, func() {
			s, _ := f.Read()
			host := ""
			if len(s.WebSocketRoutes) == 1 {
				host = string(s.WebSocketRoutes[0].Spec.Hosts[0])
			}
			states <- host
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("watching ended with %v", err)
		}
	})
	return func(host string) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		last := "(nothing)"
		for last != host {
			select {
			case last = <-states:
			case <-deadline:
				t.Fatalf("the host is still %q, not %q", last, host)
			}
		}
	}
}

func route(host string) string { return strings.Replace(chat, "chat.example.com", host, 1) }

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryWayOfChangingAFileIsSeen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests")
	must(t, os.Mkdir(dir, 0o700))
	name := filepath.Join(dir, "a.yaml")
	write(t, name, route("a.example.com"))
	see := watched(t, dir)
	see("a.example.com")

	write(t, name, route("written.example.com"))
	see("written.example.com")

	// Editors write another file and put it in place.
	write(t, name+"~", route("replaced.example.com"))
	must(t, os.Rename(name+"~", name))
	see("replaced.example.com")

	must(t, os.Remove(name))
	see("")
	write(t, filepath.Join(dir, "b.json"), `{"apiVersion":"fairlead.dev/v1alpha1","kind":"WebSocketRoute","metadata":{"name":"b"},
		"spec":{"hosts":["new.example.com"],"rules":[{"backends":[{"name":"chat","port":80}]}]}}`)
	see("new.example.com")

	// The folder as a whole is put away, and another put in its place.
	other := dir + "-other"
	must(t, os.Mkdir(other, 0o700))
	write(t, filepath.Join(other, "c.yaml"), route("folder.example.com"))
	must(t, os.Rename(dir, dir+"-old"), os.Rename(other, dir))
	see("folder.example.com")
	write(t, filepath.Join(dir, "c.yaml"), route("inside.example.com"))
	see("inside.example.com")
}

// A kubelet writes a ConfigMap into a new folder and swaps the link ..data to it.
func TestConfigMapSwapIsSeen(t *testing.T) {
	dir := t.TempDir()
	version := func(name, host string) {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		write(t, filepath.Join(dir, name, "routes.yaml"), route(host))
		must(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")), os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	version("..2026_1", "one.example.com")
	must(t, os.Symlink("..data/routes.yaml", filepath.Join(dir, "routes.yaml")))

	for name, path := range map[string]string{"folder": dir, "file": filepath.Join(dir, "routes.yaml")} {
		t.Run(name, func(t *testing.T) {
			see := watched(t, path)
			version("..2026_2_"+name, "two-"+name+".example.com")
			see("two-" + name + ".example.com")
			version("..2026_3_"+name, "three-"+name+".example.com")
			must(t, os.RemoveAll(filepath.Join(dir, "..2026_2_"+name)))
			see("three-" + name + ".example.com")
		})
	}
}

func TestChangesBesideTheNamedFileDoNotCount(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yaml")
	write(t, name, route("a.example.com"))
	f, err := NewFiles(name)
	must(t, err)
	reads := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Watch(ctx, func() { reads <- struct{}{} }) }()
	<-reads
	for range 5 {
		write(t, filepath.Join(dir, "noise.log"), "line")
	}
	write(t, name, route("b.example.com"))
	<-reads
	cancel()
	must(t, <-done)
	if n := len(reads); n != 0 {
		t.Errorf("%d readings too many", n)
	}
}
