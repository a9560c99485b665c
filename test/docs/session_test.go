package docs_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/docs"
)

// runPage runs the blocks of a page for no cluster in a new folder.
func runPage(t *testing.T, text string) (folder string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	folder = t.TempDir()
	session := docs.Session{Folder: folder, Environment: os.Environ(), Log: &bytes.Buffer{}}
	return folder, session.Run(ctx, parsed(t, text), docs.Local)
}

func TestAPageRunsInOneShellFromTopToBottom(t *testing.T) {
	folder, err := runPage(t, `
<!-- file: dist/greeting -->
~~~yaml
hello
~~~
<!-- run: local -->
~~~sh
who=reader
cat dist/greeting > said
~~~
<!-- cloud-only: needs another planet -->
~~~sh
exit 1
~~~
<!-- run: cluster -->
~~~sh
echo cluster >> said
~~~
<!-- run: local -->
~~~sh
echo "$who" >> said
cat said
~~~
<!-- output -->
~~~text
hello
…
~~~
`)
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(filepath.Join(folder, "said"))
	if err != nil || string(said) != "hello\nreader\n" {
		t.Errorf("the page said %q, %v", said, err)
	}
}

func TestTheFailureNamesTheLineOfThePage(t *testing.T) {
	_, err := runPage(t, "<!-- run: local -->\n~~~sh\necho first\nls /no/such/folder\necho second\n~~~\n")
	if err == nil || !strings.Contains(err.Error(), "page.md:4:") || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "second") {
		t.Errorf("it went on after a failure: %v", err)
	}
	_, err = runPage(t, "<!-- run: local -->\n~~~sh\nfalse | cat\n~~~\n<!-- run: local -->\n~~~sh\n~~~\n")
	if err == nil || !strings.Contains(err.Error(), "page.md:3:") {
		t.Errorf("a failure in a pipe: %v", err)
	}
}

func TestOtherOutputThanThePageSaysIsAFailure(t *testing.T) {
	_, err := runPage(t, "<!-- run: local -->\n~~~sh\necho one\n~~~\n<!-- output -->\n~~~text\ntwo\n~~~\n")
	if err == nil || !strings.Contains(err.Error(), "page.md:6") || !strings.Contains(err.Error(), "one") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAPageLeavesRunningIsEnded(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo") // its end comes with the last process that can write to it
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = end.Close() }() // only read
	if _, err := runPage(t, "<!-- run: local -->\n~~~sh\n{ echo runs; sleep 300; } >"+fifo+" &\n~~~\n"); err != nil {
		t.Fatal(err)
	}
	if err := end.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(end); err != nil {
		t.Errorf("it still runs: %v", err)
	}
}

func TestAPageThatNeverEndsIsStopped(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	session := docs.Session{Folder: t.TempDir(), Environment: os.Environ(), Log: &bytes.Buffer{}}
	err := session.Run(ctx, parsed(t, "<!-- run: local -->\n~~~sh\nsleep 300\n~~~\n"), docs.Local)
	if err == nil || !strings.Contains(err.Error(), "page.md:2") {
		t.Errorf("got %v", err)
	}
}
