package nodes

import (
	"embed"
	"fmt"
	"os"
	"strings"
	"text/template"
)

// files are the configuration files of the cluster's programs. Why a line is there stands beside it.
//
//go:embed files
var files embed.FS

// facts are what every file may name.
var facts = template.FuncMap{
	"apiServer":    func() string { return apiServerURL },
	"certificates": func() string { return certificates },
	"clusterName":  func() string { return clusterDomain },
	"config":       func(name string) string { return configs + "/" + name + ".kubeconfig" },
	"dns":          func() string { return worldPrefix.Addr().String() },
	"pods":         podPrefix.String,
	"world":        func() string { return worldPrefix.Addr().String() },
}

// writeFile fills in one of files, and writes it to path. Everybody in the cluster may read it.
func writeFile(path, name string, data any) error {
	parsed, err := template.New(name).Funcs(facts).Option("missingkey=error").ParseFS(files, "files/"+name)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := parsed.ExecuteTemplate(&text, name, data); err != nil {
		return fmt.Errorf("fill in %s: %w", name, err)
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}
