package annotations

import (
	"io/fs"
	"slices"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// noFiles is what a snippet includes: whatever is in the files of ingress-nginx, it isn't here.
var noFiles = nginxsyntax.Source{
	Read: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
	Glob: func(string) ([]string, error) { return nil, nil },
}

// directives reads a snippet of nginx's configuration into a flat list, each directive before those in
// its block.
func directives(text string) ([]directive, error) {
	config, err := nginxsyntax.Parse("line", []byte(text), noFiles)
	if err != nil {
		return nil, err
	}
	var all []directive
	for d := range nginxsyntax.All(slices.Concat(config.Directives, config.Includes)) {
		all = append(all, directive{d.Name, d.Args})
	}
	return all, nil
}

// directive is one of nginx's own configuration language: a name, and its arguments without quotes.
type directive struct {
	name string
	args []string
}
