package main

import "slices"

// set is a part of the rights that is given, or not given, as a whole.
type set string

const (
	urls       set = "urls"       // paths of the API server
	cluster    set = "cluster"    // objects outside of namespaces
	selector   set = "selector"   // namespaces themselves: with --watch-namespace-selector only
	namespaced set = "namespaced" // what is served, wherever it is served
	references set = "references" // what that refers to: the wide one, which some want to narrow
	own        set = "own"        // in the replicas' own namespace
)

// outside are the kinds without a namespace.
var outside = []string{"ingressclasses", "nodes", "namespaces"}

func (r rule) set() set {
	switch {
	case len(r.urls) > 0:
		return urls
	case r.namespace != "":
		return own
	case slices.Equal(r.resources, []string{"namespaces"}):
		return selector
	case slices.ContainsFunc(r.resources, func(kind string) bool { return slices.Contains(outside, kind) }):
		return cluster
	case slices.Contains(r.resources, "secrets"):
		return references
	}
	return namespaced
}

// only returns the reasons with their rules of some sets.
func only(reasons []reason, sets ...set) (kept []reason) {
	for _, r := range reasons {
		rules := slices.DeleteFunc(slices.Clone(r.rules), func(r rule) bool { return !slices.Contains(sets, r.set()) })
		if len(rules) > 0 {
			kept = append(kept, reason{why: r.why, rules: rules})
		}
	}
	return kept
}
