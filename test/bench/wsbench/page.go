//go:build linux

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/report"
)

// The results stand between these lines of a page.
const (
	beginMarker = "<!-- results: written by wsbench report --into -->"
	endMarker   = "<!-- end of results -->"
)

// writeReport writes the tables of a report that is in a file, to out or into a page.
func writeReport(args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("wsbench report", flag.ContinueOnError)
	flags.SetOutput(log)
	into := flags.String("into", "", "a Markdown page; the results replace those between its markers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("report: one file is needed")
	}
	r, err := report.Read(flags.Arg(0))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := r.WriteAll(&text, ours); err != nil {
		return err
	}
	if *into == "" {
		_, err := out.Write(text.Bytes())
		return err
	}
	return replaceResults(*into, text.String())
}

// replaceResults puts the text between the markers of a page.
func replaceResults(name, text string) error {
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), beginMarker)
	_, behind, ends := strings.Cut(rest, endMarker)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for results: a line %q and a line %q", name, beginMarker, endMarker)
	}
	text = before + beginMarker + "\n\n" + strings.TrimSpace(text) + "\n\n" + endMarker + behind
	return os.WriteFile(name, []byte(text), 0o644) //nolint:gosec // for everybody to read
}
