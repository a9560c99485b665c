package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
)

// fromEnvironment sets every flag that was not given from its environment variable: the name in
// capitals with _ for -, behind FAIRLEAD_.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		variable := "FAIRLEAD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(variable)
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("environment variable %s: %w", variable, err))
		}
	})
	return errors.Join(errs...)
}

// prefixes is a flag of address ranges, separated by commas. A single address is a range of one.
type prefixes []netip.Prefix

func (p *prefixes) Type() string { return "CIDRs" }

func (p *prefixes) String() string {
	words := make([]string, len(*p))
	for i, prefix := range *p {
		words[i] = prefix.String()
	}
	return strings.Join(words, ",")
}

func (p *prefixes) Set(value string) error {
	var list prefixes
	for word := range strings.SplitSeq(value, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			address, noAddress := netip.ParseAddr(word)
			if noAddress != nil {
				return fmt.Errorf("%q is neither an address range such as 10.0.0.0/8 nor an IP address", word)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		list = append(list, prefix.Masked())
	}
	*p = list
	return nil
}

// objectName is a flag that names an object: namespace/name.
type objectName types.NamespacedName

func (n *objectName) Type() string { return "namespace/name" }

func (n *objectName) String() string {
	if n.Name == "" {
		return ""
	}
	return n.Namespace + "/" + n.Name
}

func (n *objectName) Set(value string) error {
	namespace, name, ok := strings.Cut(value, "/")
	if value != "" && (!ok || namespace == "" || name == "" || strings.Contains(name, "/")) {
		return fmt.Errorf("%q is not namespace/name", value)
	}
	*n = objectName{Namespace: namespace, Name: name}
	return nil
}
