package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// notes writes what CHANGELOG.md says about the release.
func (r *release) notes(context.Context) error {
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	said, err := section(string(changelog), r.version)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "NOTES.md"), []byte(said+"\n"), 0o644)
}

// section returns what a changelog says about a version: under its own heading, or, for a version on
// the way to the next one, under Unreleased.
func section(changelog, version string) (string, error) {
	want := version
	if prerelease(version) {
		want = "Unreleased"
	}
	for _, part := range strings.Split("\n"+changelog, "\n## ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		if name, _, _ := strings.Cut(title, " "); name == want {
			return strings.TrimSpace(body), nil
		}
	}
	return "", fmt.Errorf("CHANGELOG.md: no section %q; before a release, Unreleased gets its version and day: ## %s - YYYY-MM-DD", want, want)
}

var link = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// changes returns the entries of a section, each as one line without links.
func changes(section string) (entries []string) {
	for line := range strings.Lines(section) {
		line = strings.TrimRight(line, "\n")
		switch text := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "- "):
			entries = append(entries, text[2:])
		case strings.HasPrefix(line, "  ") && len(entries) > 0:
			entries[len(entries)-1] += " " + text
		}
	}
	for i, e := range entries {
		entries[i] = link.ReplaceAllString(e, "$1")
	}
	return entries
}

// prerelease reports whether a Semantic Version is one.
func prerelease(version string) bool { return strings.Contains(version, "-") }
