package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Pages are those whose every block is checked, from the checkout's folder.
var Pages = []string{
	"README.md",
	"docs/install.md",
	"docs/behind-a-load-balancer.md",
	"docs/sizing.md",
}

// Page is a Markdown file, and what matters of it here.
type Page struct {
	Path   string
	Blocks []Block
}

// Block is one fenced block.
type Block struct {
	Path     string
	Line     int // of the fence that opens it
	Language string
	Mark     Mark
	Text     string
}

// Mark is the comment above a block: <!-- kind: text -->.
type Mark struct {
	Kind string
	Text string
}

// Place says where to find the block.
func (b Block) Place() string { return fmt.Sprintf("%s:%d", b.Path, b.Line) }

// Read parses a page of the checkout in root.
func Read(root, path string) (Page, error) {
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return Page{}, err
	}
	return Parse(path, string(content))
}

// Parse finds the blocks of a page.
func Parse(path, content string) (Page, error) {
	page := Page{Path: path}
	var open *Block
	var fence, indent string
	var text strings.Builder
	before := "" // the last line that is not empty
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimRight(line, "\r\n")
		bare := strings.TrimLeft(line, " ")
		switch {
		case open != nil && strings.TrimRight(bare, " ") == fence:
			open.Text = text.String()
			page.Blocks = append(page.Blocks, *open)
			open, before = nil, ""
			text.Reset()
		case open != nil:
			text.WriteString(strings.TrimPrefix(line, indent) + "\n")
		case strings.HasPrefix(bare, "```"):
			language := strings.TrimLeft(bare, "`")
			fence, indent = bare[:len(bare)-len(language)], line[:len(line)-len(bare)]
			open = &Block{Path: path, Line: number, Language: strings.TrimSpace(language), Mark: mark(before)}
		case bare != "":
			before = bare
		}
	}
	if open != nil {
		return page, fmt.Errorf("%s: the block is never closed", open.Place())
	}
	return page, nil
}

// mark reads a comment, if the line is one.
func mark(line string) Mark {
	inside, isComment := strings.CutPrefix(strings.TrimSpace(line), "<!--")
	inside, closed := strings.CutSuffix(inside, "-->")
	if !isComment || !closed {
		return Mark{}
	}
	kind, text, _ := strings.Cut(inside, ":")
	return Mark{Kind: strings.TrimSpace(kind), Text: strings.TrimSpace(text)}
}
