package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// migrateNginx are the flags of the command.
type migrateNginx struct {
	kind, report, output string
	withSecrets, strict  bool
	options              nginx.Options
}

func newMigrateNginx() *cobra.Command {
	var f migrateNginx
	cmd := &cobra.Command{
		Use:   "nginx FILE",
		Short: "Turn an nginx configuration into manifests, and tell what became of every directive",
		Long: "Turn an nginx configuration into manifests, and tell what became of every directive.\n\n" +
			"FILE is nginx.conf or a piece of it, - standard input. Files that it includes are read too.\n" +
			"Manifests go to standard output, or to the folder of --output; the report of what is kept,\n" +
			"what differs and what is lost goes to standard error.\n\n" +
			"Each location becomes a rule of a WebSocketRoute, and an Ingress where only an Ingress can say\n" +
			"it: redirects, CORS answers and client certificates. --kind ingress makes Ingresses alone, which\n" +
			"have no weights and no conditions, but a bound for bodies.",
		Example: "  fairlead migrate nginx /etc/nginx/nginx.conf --output manifests\n" +
			"  fairlead check -f manifests",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "kind", string(nginx.WebSocketRoute), "what locations become: websocketroute or ingress")
	flags.StringVarP(&f.options.Namespace, "namespace", "n", "", "namespace of the manifests; none is written without it")
	flags.StringVar(&f.options.IngressClass, "ingress-class", "fairlead", "IngressClass of the manifests")
	flags.StringVarP(&f.output, "output", "o", "-", "`folder` for the manifests, one file each; - is standard output")
	flags.StringVar(&f.report, "report", "text", "`format` of the report: text or json")
	flags.BoolVar(&f.withSecrets, "with-secrets", false, "write certificates, keys and passwords into Secrets, instead of the commands that make them")
	flags.BoolVar(&f.strict, "strict", false, "exit 1 if anything was lost")
	return cmd
}

func (f *migrateNginx) run(in io.Reader, out, told io.Writer, file string) error {
	if err := f.complete(); err != nil {
		return err
	}
	config, err := readNginx(in, file)
	if err != nil {
		return err
	}
	if f.withSecrets {
		f.options.Read = besides(file)
	}
	result := nginx.Migrate(config, f.options)
	if err := f.write(out, result.Objects); err != nil {
		return err
	}
	write := result.Report.WriteText
	if f.report == "json" {
		write = result.Report.WriteJSON
	}
	if err := write(told); err != nil {
		return err
	}
	if n := result.Report.Count(nginx.Lost); f.strict && n > 0 {
		return fmt.Errorf("lost: %d", n)
	}
	return nil
}

// complete checks the flags.
func (f *migrateNginx) complete() error {
	f.options.Kind = nginx.Kind(f.kind)
	switch {
	case f.options.Kind != nginx.WebSocketRoute && f.options.Kind != nginx.Ingress:
		return fmt.Errorf("--kind %q: websocketroute or ingress", f.kind)
	case f.report != "text" && f.report != "json":
		return fmt.Errorf("--report %q: text or json", f.report)
	case f.output == "":
		return errors.New("--output is empty: a folder, or - for standard output")
	}
	if problems := validation.IsDNS1123Label(f.options.Namespace); f.options.Namespace != "" && len(problems) > 0 {
		return fmt.Errorf("--namespace %q: %s", f.options.Namespace, strings.Join(problems, ", "))
	}
	if problems := validation.IsDNS1123Subdomain(f.options.IngressClass); len(problems) > 0 {
		return fmt.Errorf("--ingress-class %q: %s", f.options.IngressClass, strings.Join(problems, ", "))
	}
	return nil
}

// readNginx reads a configuration and its includes.
func readNginx(in io.Reader, file string) (*nginxsyntax.Config, error) {
	source := nginxsyntax.Source{Read: readBounded, Glob: glob}
	if file == "-" {
		content, err := io.ReadAll(io.LimitReader(in, nginxsyntax.MaxBytes+1))
		if err != nil {
			return nil, err
		}
		return nginxsyntax.Parse("stdin", content, source)
	}
	content, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	return nginxsyntax.Parse(filepath.ToSlash(file), content, source)
}

// readBounded reads no more of a file than a configuration may have, and one byte, which tells that it
// has more.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, nginxsyntax.MaxBytes+1))
}

// glob finds files in the order of their names, without hidden ones, as nginx does.
func glob(pattern string) ([]string, error) {
	found, err := filepath.Glob(pattern)
	return slices.DeleteFunc(found, func(name string) bool {
		return strings.HasPrefix(filepath.Base(name), ".") && !strings.HasPrefix(filepath.Base(pattern), ".")
	}), err
}

// besides reads files that a configuration names. Names without a folder count from that of the
// configuration, and those of /etc/nginx are looked for there too.
func besides(config string) func(string) ([]byte, error) {
	folder := "."
	if config != "-" {
		folder = filepath.Dir(config)
	}
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			return readBounded(filepath.Join(folder, name))
		}
		content, err := readBounded(name)
		if below, is := strings.CutPrefix(name, "/etc/nginx/"); is && errors.Is(err, os.ErrNotExist) {
			return readBounded(filepath.Join(folder, below))
		}
		return content, err
	}
}

// write writes the manifests.
func (f *migrateNginx) write(out io.Writer, objects []nginx.Object) error {
	if f.output == "-" {
		return nginx.WriteYAML(out, objects)
	}
	if err := os.MkdirAll(f.output, 0o750); err != nil {
		return err
	}
	for _, o := range objects {
		text, err := o.YAML()
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if o.Kind == "Secret" {
			mode = 0o600
		}
		name := strings.ToLower(o.Kind) + "-" + o.Name + ".yaml"
		if err := os.WriteFile(filepath.Join(f.output, name), text, mode); err != nil {
			return err
		}
	}
	return nil
}
