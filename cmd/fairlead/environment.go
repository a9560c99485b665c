package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ourVariables is what the names of our environment variables begin with.
const ourVariables = "FAIRLEAD_"

// variable returns the environment variable that stands for a flag: its name in capitals with _ for -,
// behind FAIRLEAD_.
func variable(flag string) string {
	return ourVariables + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets every flag that was not given from its environment variable.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := lookup(variable(f.Name))
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("environment variable %s: %w", variable(f.Name), err))
		}
	})
	return errors.Join(errs...)
}

// serviceLink matches what Kubernetes puts into the environment of a pod for a Service whose name begins
// with fairlead (Kubernetes documentation, "Service: environment variables").
var serviceLink = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)?$`)

// strangers says of every variable that looks like one of ours, and belongs to no flag of any command,
// that it has no effect. An error would keep a pod from starting for what may be somebody else's.
func strangers(root *cobra.Command, environment []string) []string {
	var known []string
	var collect func(*cobra.Command)
	collect = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, variable(f.Name)) })
		for _, sub := range cmd.Commands() {
			collect(sub)
		}
	}
	collect(root)
	var told []string
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, ourVariables) || slices.Contains(known, name) || serviceLink.MatchString(name) {
			continue
		}
		line := fmt.Sprintf("environment variable %s stands for no flag and has no effect", name)
		if near := nearest(name, known); near != "" {
			line += fmt.Sprintf("; did you mean %s?", near)
		}
		told = append(told, line)
	}
	slices.Sort(told)
	return told
}

// nearest returns the candidate that takes the fewest changes to become name, if they are few.
func nearest(name string, candidates []string) string {
	best, fewest := "", max(2, (len(name)-len(ourVariables))/3)+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(name, c); d < fewest {
			best, fewest = c, d
		}
	}
	return best
}

// distance returns how many letters must be inserted, removed or changed to make a into b
// (Levenshtein's distance).
func distance(a, b string) int {
	before := make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	now := make([]int, len(b)+1)
	for i := range len(a) {
		now[0] = i + 1
		for j := range len(b) {
			change := before[j]
			if a[i] != b[j] {
				change++
			}
			now[j+1] = min(change, before[j+1]+1, now[j]+1)
		}
		before, now = now, before
	}
	return before[len(b)]
}

// alias lets flags be given by other names too, which nobody is shown.
func alias(flags *pflag.FlagSet, names map[string]string) {
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(cmp.Or(names[name], name))
	})
}
