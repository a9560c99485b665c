package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const marker = "+kubebuilder:rbac:"

// reason is one comment: why, and the rights that follow from it.
type reason struct {
	why   []string // the lines of the comment
	rules []rule
}

// rule is one marker.
type rule struct {
	urls, groups, resources, names, verbs []string
	namespace                             string
}

// read returns what the comments of all Go files below a folder say, in the order of the files' names.
func read(folder string) ([]reason, error) {
	var reasons []reason
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, group := range file.Comments {
			r, err := parse(group)
			if err != nil {
				return fmt.Errorf("%s: %w", files.Position(group.Pos()), err)
			}
			if len(r.rules) > 0 {
				reasons = append(reasons, r)
			}
		}
		return nil
	})
	if err == nil && len(reasons) == 0 {
		err = fmt.Errorf("%s: no %s marker in any file", folder, marker)
	}
	return reasons, err
}

// parse returns what one comment says. No rules: it is about something else.
func parse(group *ast.CommentGroup) (r reason, err error) {
	for _, comment := range group.List {
		line := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
		text, marked := strings.CutPrefix(line, marker)
		if !marked {
			r.why = append(r.why, line)
			continue
		}
		rule, err := parseRule(text)
		if err != nil {
			return r, fmt.Errorf("marker %q: %w", line, err)
		}
		r.rules = append(r.rules, rule)
	}
	if len(r.rules) > 0 && strings.Join(r.why, "") == "" {
		return r, errors.New("a right without a reason: say why above the marker")
	}
	return r, nil
}

// parseRule reads key=value,key=value; a value is a list with semicolons between, or the quoted "".
func parseRule(text string) (r rule, err error) {
	for field := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(field, "=")
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		list := strings.Split(value, ";")
		switch key {
		case "urls":
			r.urls = list
		case "groups":
			r.groups = list
		case "resources":
			r.resources = list
		case "resourceNames":
			r.names = list
		case "verbs":
			r.verbs = list
		case "namespace":
			r.namespace = value
		default:
			ok = false
		}
		if !ok {
			return r, fmt.Errorf("%q is not understood here", field)
		}
	}
	byObject := len(r.groups) > 0 && len(r.resources) > 0
	if len(r.verbs) == 0 || byObject == (len(r.urls) > 0) {
		return r, errors.New("needs verbs, and either urls or groups and resources")
	}
	if slices.Contains(slices.Concat(r.verbs, r.resources, r.groups), "*") {
		return r, errors.New("* gives more than anybody needs: name what is meant")
	}
	return r, nil
}
