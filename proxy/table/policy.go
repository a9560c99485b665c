package table

import (
	"reflect"

	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/live"
)

// zoneKey names the counters of limits: those of a zone, or those of a route without one.
type zoneKey struct {
	name  string
	route *live.Route // nil when the zone has a name
}

func zoneOf(r *Route) zoneKey {
	if r.Limits.Zone != "" {
		return zoneKey{name: r.Limits.Zone}
	}
	return zoneKey{route: r.Live}
}

// policy compiles what the route asks of requests. What can't be compiled seals the route. A route of
// which only endpoints have changed keeps what it remembers: their clients come back just then.
func (c *compilation) policy(r *Route) {
	if before := c.prev.routes[r.ID]; before != nil && before.Live == r.Live && reflect.DeepEqual(before.Route, r.Route) {
		r.Policy = before.Policy
		return
	}
	r.Policy = admit.NewPolicy(&r.Route, c.zone(r))
}

// zone finds the counters of the route's limits; nil: nothing is limited.
func (c *compilation) zone(r *Route) *live.Zone {
	if !r.Limits.Any() {
		return nil
	}
	key := zoneOf(r)
	for _, zones := range []map[zoneKey]*live.Zone{c.t.zones, c.prev.zones, c.prev.departed.zones} {
		if z := zones[key]; z != nil {
			c.t.zones[key] = z
			return z
		}
	}
	z := live.NewZone()
	c.t.zones[key] = z
	return z
}

// policies tells what is wrong with the policies, of those that were carried over too, and keeps what
// they count: the zones of all of them, without meters that no route has any more, and zones that left
// for as long as something is counted in them. What leaves with this table is kept even when it is
// empty: a request that was matched before may be about to be counted.
func (c *compilation) policies() {
	paces := map[*live.Zone][]live.Pace{}
	for _, r := range c.t.order {
		if err := r.Policy.Err(); err != nil {
			c.fault(r.ID, "%w", err)
		}
		if z := r.Policy.Zone(); z != nil {
			c.t.zones[zoneOf(r)] = z
			paces[z] = append(paces[z], admit.Paces(&r.Limits)...)
		}
	}
	for z, needed := range paces {
		z.Keep(needed)
	}
	c.t.departed.zones = map[zoneKey]*live.Zone{}
	for key, z := range c.prev.departed.zones {
		if c.t.zones[key] == nil && z.Sessions() > 0 {
			c.t.departed.zones[key] = z
		}
	}
	for key, z := range c.prev.zones {
		if c.t.zones[key] == nil {
			c.t.departed.zones[key] = z
		}
	}
}
