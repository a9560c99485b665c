package docs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Session is a shell in which blocks run as a reader would type them.
type Session struct {
	Folder      string   // the checkout's
	Environment []string // as in os/exec
	Log         io.Writer
}

// Programs are what pages use besides what the checkout builds. Each is also the name of its Debian package.
var Programs = []string{"bash", "curl", "openssl"}

// Missing says which of the programs are not on this machine.
func Missing() (missing []string) {
	for _, name := range Programs {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// driver runs one block after the other in the same shell, and leaves a note when one fails: $LINENO in
// a sourced file is a line of the block.
const driver = `set -euo pipefail
trap 'echo "$LINENO" >"$BLOCKS/failed"' ERR
for block in "$BLOCKS"/*.sh; do
	. "$block" >"${block%.sh}.out" 2>&1
	touch "${block%.sh}.done"
done
`

// Run runs the blocks of a page that are marked for a place, from top to bottom, and compares what they print
// with the page. It stops at the first that fails. What blocks leave running is ended.
func (s Session) Run(ctx context.Context, page Page, place string) (err error) {
	blocks, err := os.MkdirTemp("", "fairlead-docs-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(blocks)) }()

	steps, err := s.write(blocks, page, place)
	if err != nil || len(steps) == 0 {
		return err
	}
	shell := exec.CommandContext(ctx, "bash", "-c", driver)
	shell.Dir, shell.Env = s.Folder, slices.Concat(s.Environment, []string{"BLOCKS=" + blocks})
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	shell.Cancel = end
	begin := time.Now()
	if err := shell.Start(); err != nil {
		return err
	}
	ran := shell.Wait()
	_ = end() // nothing is left, as a rule
	for _, step := range steps {
		ended, err := step.judge(ran)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(s.Log, "%-24s ended after %5.1f s\n", step.Place(), ended.Sub(begin).Seconds())
	}
	return ran
}

// step is a block that runs, and what the page says it prints.
type step struct {
	Block
	files  string // what its files are called, without their ends
	prints *Block
}

// write lays the blocks out for the driver, in its order, and saves the files of the page.
func (s Session) write(folder string, page Page, place string) ([]step, error) {
	var steps []step
	last := false // the last sh block is one of ours
	for _, b := range page.Blocks {
		switch {
		case b.Language == "sh":
			if last = b.Mark == (Mark{Run, place}); !last {
				continue
			}
			files := filepath.Join(folder, fmt.Sprintf("%04d", len(steps)))
			steps = append(steps, step{Block: b, files: files})
			if err := os.WriteFile(files+".sh", []byte(b.Text), 0o600); err != nil {
				return nil, err
			}
		case b.Mark.Kind == Output && last:
			steps[len(steps)-1].prints = &b
		case b.Mark.Kind == File:
			path := filepath.Join(s.Folder, b.Mark.Text)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(path, []byte(b.Text), 0o644); err != nil {
				return nil, err
			}
		}
	}
	return steps, nil
}

// judge says when a step ended, or what is wrong with it, after the shell has ended, which ran tells.
func (s step) judge(ran error) (ended time.Time, err error) {
	printed, err := os.ReadFile(s.files + ".out")
	if err != nil {
		return ended, fmt.Errorf("%s: never ran: %w", s.Place(), errors.Join(ran, err))
	}
	done, err := os.Stat(s.files + ".done")
	if err != nil {
		place := s.Place()
		if note, err := os.ReadFile(filepath.Join(filepath.Dir(s.files), "failed")); err == nil {
			var inside int
			if _, err := fmt.Sscan(string(note), &inside); err == nil {
				place = fmt.Sprintf("%s:%d", s.Path, s.Line+inside)
			}
		}
		return ended, fmt.Errorf("%s: this command failed (%w); the block printed:\n%s", place, ran, printed)
	}
	if s.prints == nil || Matches(s.prints.Text, string(printed)) {
		return done.ModTime(), nil
	}
	return ended, fmt.Errorf("%s: the page says that it prints\n%s\nand it prints\n%s",
		s.prints.Place(), strings.TrimSpace(s.prints.Text), strings.TrimSpace(string(printed)))
}
