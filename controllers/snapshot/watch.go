package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How long the folders must be quiet before files are read again, and how long that may be put off
// while writing goes on. It only saves readings of half-written files: whatever is written after a
// reading causes another one, so that the last reading always sees the last state.
const (
	quiet    = 50 * time.Millisecond
	patience = time.Second
)

// Watch calls changed at once and then after every change in the folders of the files, until ctx is
// done; changed is expected to call Read. It returns an error when watching isn't possible.
//
// Folders are watched, never files, and before every call all watches are set anew: so it makes no
// difference whether an editor writes into a file or puts another in its place, whether a mounted
// ConfigMap swaps its ..data link, or whether a folder is removed and comes back.
func (f *Files) Watch(ctx context.Context, changed func()) error {
	for {
		folders := f.folders()
		w, err := arm(folders)
		if err != nil {
			return err
		}
		changed()
		err = f.wait(ctx, w, folders)
		if closeErr := w.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watching manifests: %w", err)
		}
	}
}

// arm watches the folders.
func arm(folders map[string]bool) (*fsnotify.Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching manifests: %w (on Linux, see fs.inotify.max_user_instances)", err)
	}
	for folder := range folders {
		// A folder that is gone is no error: its parent is watched too and tells when it is back.
		if err := w.Add(folder); err != nil && !os.IsNotExist(err) {
			_ = w.Close() // the first error is the one to tell
			return nil, fmt.Errorf("watching %s: %w (on Linux, see fs.inotify.max_user_watches)", folder, err)
		}
	}
	return w, nil
}

// folders returns the folders to watch: those that the user named, those that hold a path of the
// user's, and those to which links lead. The value says whether every event in the folder counts, or
// only those about the user's path: it may be a busy one such as /tmp.
func (f *Files) folders() map[string]bool {
	folders := map[string]bool{}
	add := func(name string) {
		dir := filepath.Dir(name)
		linkedTo, err := filepath.EvalSymlinks(name)
		linked := err == nil && linkedTo != name
		folders[dir] = folders[dir] || linked
		if linked {
			folders[filepath.Dir(linkedTo)] = true
		}
	}
	for _, root := range f.paths {
		root = filepath.Clean(root)
		add(root)
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			folders[root] = true
		}
		names, err := manifestsIn(root)
		if err != nil {
			continue // Read reports it
		}
		for _, name := range names {
			add(name)
		}
	}
	return folders
}

// wait returns when something has changed and the folders are quiet again, or when ctx is done.
func (f *Files) wait(ctx context.Context, w *fsnotify.Watcher, folders map[string]bool) error {
	var calm, late <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-calm:
			return nil
		case <-late:
			return nil
		case err := <-w.Errors:
			// An overflow means that events were lost, so that something has changed.
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return err
			}
		case e := <-w.Events:
			if !f.matters(e, folders) {
				continue
			}
		}
		calm = time.After(quiet)
		if late == nil {
			late = time.After(patience)
		}
	}
}

// matters says whether an event can mean that a manifest has changed.
func (f *Files) matters(e fsnotify.Event, folders map[string]bool) bool {
	if e.Op == fsnotify.Chmod {
		return false // backup and indexing programs touch files without changing them
	}
	name := filepath.Clean(e.Name)
	isRoot := func(root string) bool { return filepath.Clean(root) == name }
	return folders[name] || folders[filepath.Dir(name)] || slices.ContainsFunc(f.paths, isRoot)
}
