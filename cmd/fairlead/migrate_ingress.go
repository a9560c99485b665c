package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/migrate/ingress"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// migrateIngress are the flags of the command.
type migrateIngress struct {
	options        translate.Options
	from, class    string
	routes, report string
	strict         bool
}

func newMigrateIngress() *cobra.Command {
	var f migrateIngress
	cmd := &cobra.Command{
		Use:   "ingress PATH",
		Short: "Tell what becomes of Ingresses of ingress-nginx under Fairlead, and write WebSocketRoutes",
		Long: "Tell what becomes of Ingresses that were written for ingress-nginx when their ingressClassName is\n" +
			"changed to Fairlead's: what works as it is, what differs and what is lost.\n\n" +
			"PATH is a file or folder of manifests, - standard input. Services, Secrets and ConfigMaps among\n" +
			"them are looked at too; those that are missing are not held against anybody.",
		Example: "  kubectl get ingress --all-namespaces -o yaml | fairlead migrate ingress -\n" +
			"  fairlead migrate ingress manifests --routes routes",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from-class", "", "only Ingresses of this class, by spec.ingressClassName or the old annotation; empty: all")
	flags.StringVar(&f.class, "ingress-class", "fairlead", "IngressClass of the WebSocketRoutes")
	flags.StringVar(&f.routes, "routes", "", "`folder` for WebSocketRoutes that say the same, - is standard output; empty: none are written")
	flags.StringVarP(&f.report, "output", "o", "text", "`format` of the report: text or json")
	flags.BoolVar(&f.strict, "strict", false, "exit 1 if anything is lost")
	flags.BoolVar(&f.options.NginxDefaults, "ingress-nginx-defaults", false, "as the controller's flag of that name")
	flags.StringSliceVar(&f.options.ResponseHeaders, "allowed-response-headers", nil, "as the controller's flag of that name")
	return cmd
}

func (f *migrateIngress) run(cmd *cobra.Command, path string) error {
	if f.report != "text" && f.report != "json" {
		return fmt.Errorf("--output %q: text or json", f.report)
	}
	read, problems, err := readManifests(cmd.InOrStdin(), path)
	if err != nil {
		return err
	}
	objects := ingress.Judge(read, f.selects, f.options)
	told := cmd.OutOrStdout()
	if f.routes == "-" {
		told = cmd.ErrOrStderr()
	}
	for _, p := range problems {
		if _, err := fmt.Fprintln(cmd.ErrOrStderr(), p.Error()); err != nil {
			return err
		}
	}
	if err := f.write(cmd, read, objects); err != nil {
		return err
	}
	if err := f.tell(told, objects); err != nil {
		return err
	}
	switch n := ingress.Count(objects)[ingress.Lost]; {
	case len(problems) > 0:
		return fmt.Errorf("manifests that can't be read: %d", len(problems))
	case len(objects) == 0:
		return errors.New("no Ingress was found")
	case f.strict && n > 0:
		return fmt.Errorf("%d of the Ingresses lose something", n)
	}
	return nil
}

// readManifests reads a file or folder, or standard input.
func readManifests(in io.Reader, path string) (*snapshot.Snapshot, []snapshot.Problem, error) {
	if path == "-" {
		content, err := io.ReadAll(in)
		if err != nil {
			return nil, nil, err
		}
		return snapshot.Parse("stdin", content)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, nil, err
	}
	files, err := snapshot.NewFiles(path)
	if err != nil {
		return nil, nil, err
	}
	read, problems := files.Read()
	return read, problems, nil
}

// selects says whether an Ingress is to be looked at.
func (f *migrateIngress) selects(i *networkingv1.Ingress) bool {
	class := i.Annotations["kubernetes.io/ingress.class"]
	if i.Spec.IngressClassName != nil {
		class = *i.Spec.IngressClassName
	}
	return f.from == "" || class == f.from
}

// write writes the WebSocketRoutes, and notes with each Ingress what they can't say.
func (f *migrateIngress) write(cmd *cobra.Command, read *snapshot.Snapshot, objects []ingress.Object) error {
	if f.routes == "" {
		return nil
	}
	for _, i := range read.Ingresses {
		if !f.selects(i) {
			continue
		}
		routes, lost := ingress.Routes(i, f.class)
		for n := range objects {
			if objects[n].Namespace == i.Namespace && objects[n].Name == i.Name {
				objects[n].NotInRoutes = lost
			}
		}
		for _, r := range routes {
			if err := f.writeRoute(cmd.OutOrStdout(), r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *migrateIngress) writeRoute(out io.Writer, r *v1alpha1.WebSocketRoute) error {
	text, err := ingress.YAML(r)
	if err != nil {
		return err
	}
	if f.routes == "-" {
		_, err = fmt.Fprintf(out, "---\n%s", text)
		return err
	}
	if err := os.MkdirAll(f.routes, 0o750); err != nil {
		return err
	}
	name := cmp.Or(r.Namespace, "default") + "-" + r.Name + ".yaml"
	return os.WriteFile(filepath.Join(f.routes, name), []byte(text), 0o644) //nolint:gosec // manifests without secrets, for whoever works in the folder
}

func (f *migrateIngress) tell(to io.Writer, objects []ingress.Object) error {
	if f.report == "text" {
		return ingress.Print(to, objects)
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(objects)
}
