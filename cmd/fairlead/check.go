package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy/table"
)

func newCheck() *cobra.Command {
	var (
		translate translateFlags
		paths     []string
		output    string
	)
	cmd := &cobra.Command{
		Use:   "check -f PATH",
		Short: "Print the route table that manifests give, and every problem; exit 1 if there is one that is more than good to know",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(paths) == 0 {
				return errors.New("--filename is needed: files or folders of manifests")
			}
			if output != "table" && output != "json" {
				return fmt.Errorf("--output %q: table or json", output)
			}
			options, err := translate.complete()
			if err != nil {
				return err
			}
			files, err := snapshot.NewFiles(paths...)
			if err != nil {
				return err
			}
			t, problems := controllers.Check(files, options)
			if err := printCheck(cmd.OutOrStdout(), output, t, problems); err != nil {
				return err
			}
			wrong := 0
			for _, p := range problems {
				if !p.Note {
					wrong++
				}
			}
			if wrong > 0 {
				return fmt.Errorf("problems found: %d", wrong)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&paths, "filename", "f", nil, "file or folder of manifests; may be given more than once (`PATH`)")
	flags.StringVarP(&output, "output", "o", "table", "`format`: table or json")
	translate.add(flags)
	return cmd
}

// printCheck prints the table and the problems.
func printCheck(to io.Writer, format string, t *table.Table, problems []snapshot.Problem) error {
	if format == "json" {
		encoder := json.NewEncoder(to)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Routes   []table.RouteView  `json:"routes"`
			Problems []snapshot.Problem `json:"problems"`
		}{t.View(), append([]snapshot.Problem{}, problems...)})
	}
	if _, err := fmt.Fprint(to, t); err != nil {
		return err
	}
	for _, section := range []struct {
		title string
		notes bool
	}{{"PROBLEMS", false}, {"GOOD TO KNOW", true}} {
		title := "\n" + section.title + "\n"
		for _, p := range problems {
			if p.Note != section.notes {
				continue
			}
			if _, err := fmt.Fprint(to, title, p.Error(), "\n"); err != nil {
				return err
			}
			title = ""
		}
	}
	return nil
}
