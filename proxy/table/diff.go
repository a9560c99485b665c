package table

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// Change is what a publish changed.
type Change struct {
	RoutesAdded, RoutesRemoved, RoutesChanged []string // IDs, sorted
	// Gone are the living parts of routes that nobody succeeds: their hosts and paths are claimed by
	// none, and what was asked of them does not come to their backends any more.
	Gone []*live.Route
	// Back are living parts of routes that are in the table or have a successor there.
	Back []*live.Route
	// Leaving are endpoints that terminate or went away while their backend stayed, those that
	// were leaving already among them.
	Leaving []*live.Endpoint
	// Staying are endpoints that were leaving in the old table and serve in the new one.
	Staying      []*live.Endpoint
	leaving      int // of Leaving, those that were not
	backends     int
	certificates bool
}

// None reports that the tables are the same.
func (c *Change) None() bool {
	return len(c.RoutesAdded)+len(c.RoutesRemoved)+len(c.RoutesChanged)+c.backends == 0 && !c.certificates
}

// String tells the change in a few words.
func (c *Change) String() string {
	if c.None() {
		return "nothing changed"
	}
	var words []string
	add := func(n int, what string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(len(c.RoutesAdded), "routes added")
	add(len(c.RoutesRemoved), "routes removed")
	add(len(c.RoutesChanged), "routes changed")
	add(c.backends, "backends changed")
	add(c.leaving, "endpoints leaving")
	if c.certificates {
		words = append(words, "certificates changed")
	}
	return strings.Join(words, ", ")
}

// Diff returns what changed from the table prev to t, which was compiled from it.
func (t *Table) Diff(prev *Table) *Change {
	c := new(Change)
	t.diffRoutes(prev, c)
	for key, b := range prev.backends {
		if t.backends[key] == nil {
			c.backends++ // no route names it any more; its sessions stay
		} else if t.backends[key] != b {
			c.backends++
			diffEndpoints(b, t.backends[key], c)
		}
	}
	for key, b := range t.backends {
		if prev.backends[key] == nil {
			c.backends++
			diffEndpoints(new(Backend), b, c)
		}
	}
	c.certificates = !maps.Equal(t.names.exact, prev.names.exact) || t.names.standard != prev.names.standard
	return c
}

func (t *Table) diffRoutes(prev *Table, c *Change) {
	current := make(map[*live.Route]bool, len(t.routes))
	for id, r := range t.routes {
		current[r.Live] = true
		before := prev.routes[id]
		switch {
		case before == nil:
			c.RoutesAdded = append(c.RoutesAdded, id)
			c.Back = append(c.Back, r.Live)
		case before != r && !sameButBackends(before, r):
			c.RoutesChanged = append(c.RoutesChanged, id)
		}
	}
	judge := func(d departedRoute) {
		if current[d.live] {
			return
		}
		current[d.live] = true // once is enough
		if t.succeeds(d) {
			c.Back = append(c.Back, d.live)
		} else {
			c.Gone = append(c.Gone, d.live)
		}
	}
	for id, r := range prev.routes {
		if t.routes[id] == nil {
			c.RoutesRemoved = append(c.RoutesRemoved, id)
			judge(r.departing())
		}
	}
	for _, d := range t.departed.routes {
		judge(d)
	}
	slices.Sort(c.RoutesAdded)
	slices.Sort(c.RoutesRemoved)
	slices.Sort(c.RoutesChanged)
}

// sameButBackends reports whether two routes say the same; their endpoints may differ.
func sameButBackends(a, b *Route) bool {
	return a.Live == b.Live && reflect.DeepEqual(a.Route, b.Route)
}

func diffEndpoints(before, after *Backend, c *Change) {
	served := make(map[*live.Endpoint]bool, len(before.all)) // in the old table, and did not leave yet
	for _, e := range before.all {
		served[e.Live] = !leaves(e)
	}
	present := make(map[*live.Endpoint]bool, len(after.all))
	for _, e := range after.all {
		present[e.Live] = true
		if leaves(e) {
			c.leave(e, served[e.Live])
		} else {
			c.Staying = append(c.Staying, e.Live)
		}
	}
	for _, e := range before.all {
		if !present[e.Live] {
			c.leave(e, served[e.Live])
		}
	}
}

// leave notes an endpoint that leaves; news says that it did not in the old table.
func (c *Change) leave(e *Endpoint, news bool) {
	c.Leaving = append(c.Leaving, e.Live)
	if news {
		c.leaving++
	}
}

func leaves(e *Endpoint) bool {
	return e.State == model.EndpointTerminating || e.State == model.EndpointTerminated
}
