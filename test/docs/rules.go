package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// What a mark says of its block.
const (
	Run       = "run"        // where: Cluster or Local
	RunBy     = "run by"     // which file has its commands
	CloudOnly = "cloud-only" // why it can't run
	Values    = "values"     // a name for the test
	File      = "file"       // where the reader saves it
	Output    = "output"     // of the sh block above
)

// Where blocks run.
const (
	Cluster = "cluster"
	Local   = "local"
)

// languages are those of fenced blocks, with the marks that each may carry. "" is none.
var languages = map[string][]string{
	"sh":   {Run, RunBy, CloudOnly},
	"yaml": {"", Values, File, CloudOnly},
	"json": {File, CloudOnly},
	"hcl":  {CloudOnly},
	"text": {"", Output},
}

// Check says everything that is wrong with how the blocks of a page are marked. root is the checkout's folder.
func Check(root string, page Page) []error {
	var wrong []error
	names := map[string]bool{}
	runs := false // the last sh block
	for _, b := range page.Blocks {
		complain := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("%s: %s", b.Place(), fmt.Sprintf(format, args...)))
		}
		allowed, known := languages[b.Language]
		switch {
		case !known:
			complain("a block of %q: write sh for commands, and text for what is none", b.Language)
			continue
		case !slices.Contains(allowed, b.Mark.Kind):
			complain("a block of %s is marked %q: put one of %q above it, see test/docs/doc.go", b.Language, b.Mark.Kind, allowed)
			continue
		}
		if advice := checkMark(root, b, names, runs); advice != "" {
			complain("%s", advice)
		}
		if b.Language == "sh" {
			runs = b.Mark.Kind == Run
		}
	}
	return wrong
}

// checkMark says what is wrong with the words of a mark, or nothing. runs: the sh block above runs.
func checkMark(root string, b Block, names map[string]bool, runs bool) string {
	text := b.Mark.Text
	switch b.Mark.Kind {
	case Run:
		if text != Cluster && text != Local {
			return fmt.Sprintf("runs where? %q is neither %s nor %s", text, Cluster, Local)
		}
	case RunBy:
		return checkRunBy(root, b)
	case CloudOnly:
		if len(strings.Fields(text)) < 2 {
			return "is marked cloud-only: say what it needs"
		}
	case Values:
		if text == "" || names[text] {
			return fmt.Sprintf("values need a name of their own for the test, not %q", text)
		}
		names[text] = true
	case File:
		if path.Clean(text) != text || !strings.HasPrefix(text, "dist/") {
			return fmt.Sprintf("a reader shall save %q below dist/, which git ignores", text)
		}
	case Output:
		if !runs {
			return "is marked as the output of a sh block that does not run"
		}
	}
	return ""
}

// checkRunBy says which command of the block is not in the file that is said to run it.
func checkRunBy(root string, b Block) string {
	content, err := os.ReadFile(filepath.Join(root, b.Mark.Text))
	if err != nil {
		return fmt.Sprintf("is said to be run by a file that can't be read: %v", err)
	}
	for _, command := range Commands(b.Text) {
		if !strings.Contains(string(content), command) {
			return fmt.Sprintf("%s has no %q", b.Mark.Text, command)
		}
	}
	return ""
}

// Commands are the lines of a sh block, without comments.
func Commands(text string) []string {
	var commands []string
	for line := range strings.Lines(text) {
		if i := strings.Index(line, " #"); i >= 0 {
			line = line[:i]
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			commands = append(commands, line)
		}
	}
	return commands
}
