package main

import (
	"fmt"
	"strings"
)

const (
	// name is that of the roles in config/rbac, and the ServiceAccount's.
	name = "fairlead"
	// tickets is the name of the Secret in the markers. In the chart it is named after the release.
	tickets = "fairlead-tickets"
	written = "Written by hack/generate.sh from the markers in controllers/: change them there."
)

// roles returns what config/rbac gives: a ClusterRole, and a Role in the own namespace.
func roles(reasons []reason) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", written)
	header(&b, "ClusterRole", name, "")
	write(&b, only(reasons, urls, cluster, namespaced, references), "")
	if mine := only(reasons, own); len(mine) > 0 {
		b.WriteString("---\n")
		header(&b, "Role", name, mine[0].rules[0].namespace)
		write(&b, mine, "")
	}
	return b.String()
}

// selectorRole returns the ClusterRole that --watch-namespace-selector needs besides.
func selectorRole(reasons []reason) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", written)
	header(&b, "ClusterRole", name+"-namespaces", "")
	write(&b, only(reasons, selector), "")
	return b.String()
}

func header(b *strings.Builder, kind, name, namespace string) {
	fmt.Fprintf(b, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\n", kind, name)
	if namespace != "" {
		fmt.Fprintf(b, "  namespace: %s\n", namespace)
	}
	b.WriteString("rules:\n")
}

// templates returns one named template for each set.
func templates(reasons []reason) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{{/* %s */}}\n", written)
	for _, s := range []set{urls, cluster, selector, namespaced, references, own} {
		fmt.Fprintf(&b, "\n{{- define \"fairlead.rules.%s\" -}}\n", s)
		write(&b, only(reasons, s), `{{ include "fairlead.ticketSecret" . }}`)
		b.WriteString("{{- end -}}\n")
	}
	return b.String()
}

// write writes rules, each below its reason. The Secret for tickets gets the name that is given, if one is.
func write(b *strings.Builder, reasons []reason, secret string) {
	for _, r := range reasons {
		for _, line := range r.why {
			b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
		}
		for _, rule := range r.rules {
			start := "- "
			for _, field := range []struct {
				key    string
				values []string
			}{{"nonResourceURLs", rule.urls}, {"apiGroups", rule.groups}, {"resources", rule.resources}, {"resourceNames", rule.names}, {"verbs", rule.verbs}} {
				if len(field.values) > 0 {
					fmt.Fprintf(b, "%s%s: %s\n", start, field.key, list(field.values, secret))
					start = "  "
				}
			}
		}
	}
}

func list(values []string, secret string) string {
	words := make([]string, len(values))
	for i, v := range values {
		switch {
		case v == "":
			v = `""`
		case v == tickets && secret != "":
			v = secret
		}
		words[i] = v
	}
	return "[" + strings.Join(words, ", ") + "]"
}
