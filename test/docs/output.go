package docs

import (
	"regexp"
	"strings"
)

// anything is what a page writes where every run prints something else.
const anything = "…"

// Matches says whether a command printed what the page says. … stands for anything in a line, a line … for any
// number of lines. How far columns are apart counts for nothing: it follows from the names in them.
func Matches(page, printed string) bool {
	pattern := `\A`
	for line := range strings.Lines(strings.TrimSpace(page) + "\n") {
		if strings.TrimSpace(line) == anything {
			pattern += `(?:.*\n)*?`
			continue
		}
		line = regexp.QuoteMeta(columns(line))
		pattern += strings.ReplaceAll(line, anything, ".*") + `\n`
	}
	var text strings.Builder
	for line := range strings.Lines(strings.TrimSpace(printed) + "\n") {
		text.WriteString(columns(line) + "\n")
	}
	return regexp.MustCompile(pattern + `\z`).MatchString(text.String())
}

func columns(line string) string { return strings.Join(strings.Fields(line), " ") }
