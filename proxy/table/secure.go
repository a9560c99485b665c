package table

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/secure"
)

// security is how TLS is spoken, compiled. What says the same is made once, and shared with the table
// before: sessions can then be resumed, and idle connections used, across publishes.
type security struct {
	endpoints map[model.BackendTLS]*secure.Endpoints
	terms     map[string]*secure.Terms // by what they say
	hosts     map[string]*secure.Terms // by host, as in Matches; nil: no host has any
}

// security compiles TLS to the endpoints of all routes, and with the clients of all hosts.
func (c *compilation) security() {
	s := &c.t.security
	s.endpoints = make(map[model.BackendTLS]*secure.Endpoints)
	for _, r := range c.t.order {
		if r.EndpointTLS == nil {
			c.endpointTLS(r)
		}
		s.endpoints[r.BackendTLS] = r.EndpointTLS
	}
	if slices.ContainsFunc(c.t.order, func(r *Route) bool { return r.Access.ClientCert != nil || r.MinTLS != 0 }) {
		c.terms()
	}
}

func (c *compilation) endpointTLS(r *Route) {
	for _, known := range []*security{&c.t.security, &c.prev.security} {
		if r.EndpointTLS = known.endpoints[r.BackendTLS]; r.EndpointTLS != nil {
			return
		}
	}
	var err error
	if r.EndpointTLS, err = secure.NewEndpoints(r.BackendTLS); err != nil {
		c.fault(r.ID, "%w", err)
	}
}

// demands are what the routes of a host want of a handshake, before anybody knows for which of them
// it will be.
type demands struct {
	minVersion uint16
	cas        []string // of the routes that ask for certificates
}

func (d *demands) add(other *demands) {
	if other != nil {
		d.minVersion = max(d.minVersion, other.minVersion)
		d.cas = append(d.cas, other.cas...)
	}
}

// terms compiles what each host wants of handshakes: the routes that claim it and, since a host hands
// on what none of them matches, those of its wildcard and of any host.
func (c *compilation) terms() {
	own := map[string]*demands{}
	for _, r := range c.t.order {
		d := &demands{minVersion: r.MinTLS}
		if r.Access.ClientCert != nil {
			d.cas = []string{r.Access.ClientCert.CAs}
		}
		for _, m := range r.Matches {
			if own[m.Host] == nil {
				own[m.Host] = new(demands)
			}
			own[m.Host].add(d)
		}
	}
	s := &c.t.security
	s.terms, s.hosts = map[string]*secure.Terms{}, map[string]*secure.Terms{}
	for host, d := range own {
		all := new(demands)
		all.add(d)
		if host != "" {
			all.add(own[""])
			if _, parent, found := strings.Cut(host, "."); found && !strings.HasPrefix(host, "*.") {
				all.add(own["*."+parent])
			}
		}
		s.hosts[host] = c.agreed(all)
	}
}

// agreed returns the terms of demands; nil: those that all have.
func (c *compilation) agreed(d *demands) *secure.Terms {
	if d.minVersion == 0 && len(d.cas) == 0 {
		return nil
	}
	slices.Sort(d.cas)
	d.cas = slices.Compact(d.cas)
	key := fmt.Sprintf("%d %q", d.minVersion, d.cas)
	t := c.t.security.terms[key]
	if t == nil {
		t = c.prev.security.terms[key]
	}
	if t == nil {
		t = secure.NewTerms(d.minVersion, d.cas)
	}
	c.t.security.terms[key] = t
	return t
}

// Terms returns what a handshake for a server name (RFC 6066 section 3; "": none was sent) is to be
// like, by the routes that requests for this name may come to. nil: as for all. Equal terms are one.
func (t *Table) Terms(serverName string) *secure.Terms {
	if t.security.hosts == nil {
		return nil
	}
	name := hostname(serverName)
	if terms, claimed := t.security.hosts[name]; claimed {
		return terms
	}
	if _, parent, found := strings.Cut(name, "."); found {
		if terms, claimed := t.security.hosts["*."+parent]; claimed {
			return terms
		}
	}
	return t.security.hosts[""]
}

// Misdirected reports whether a request for host must not come over a connection for serverName: one
// of them is asked for a certificate, or they want other TLS versions. With equal names, and where no
// route asks for anything, every host may be asked for over any connection.
func (t *Table) Misdirected(serverName, host string) bool {
	if t.security.hosts == nil {
		return false
	}
	asked, named := hostname(host), hostname(serverName)
	if asked == named {
		return false
	}
	terms := t.Terms(asked)
	if terms != t.Terms(named) {
		return true
	}
	return terms != nil && terms.Asks && !nameless(named, asked)
}

// nameless reports whether a client could not have sent the name that it asks for: addresses are not
// sent (RFC 6066 section 3).
func nameless(serverName, host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return serverName == "" && err == nil
}
