package table

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/secure"
	"github.com/fairlead/fairlead/proxy/template"
)

// Table is an immutable route table. The zero value is empty and serves nothing.
type Table struct {
	routes       map[string]*Route
	order        []*Route // as configured
	backends     map[string]*Backend
	certificates map[fingerprint]*tls.Certificate
	claims       map[model.MatchKey]*Route // who owns which match
	hosts        hosts
	names        certificateNames
	expiries     map[string]time.Time // of certificates, by Name
	security     security
	zones        map[zoneKey]*live.Zone // the counters of limits
	departed     departed
}

// Route is one compiled route.
type Route struct {
	model.Route
	// Live outlives the table.
	Live     *live.Route
	Backends []WeightedBackend
	// Canary takes requests away from Backends. nil: none.
	Canary *Canary
	// Spare is the backend of the model's Fallback, or empty. It has the route's requests while no
	// other backend has an endpoint.
	Spare []WeightedBackend
	// Location is where the model's Redirect leads; empty when that can't be understood.
	Location template.Template
	// HashKey is what ConsistentHash hashes in place of HashOn, when the model has a HashTemplate.
	HashKey template.Template
	// Policy is what the route asks of requests.
	Policy *admit.Policy
	// EndpointTLS is how TLS is spoken to endpoints. Routes that say the same share it.
	EndpointTLS *secure.Endpoints
}

// NeedsTLS reports whether endpoints of the route may be spoken to by TLS, for a client that speaks it
// or doesn't.
func (r *Route) NeedsTLS(client bool) bool {
	encrypted := func(b WeightedBackend) bool {
		return b.Scheme == model.Secure || client && b.Scheme == model.AsClient
	}
	return slices.ContainsFunc(r.Backends, encrypted) || slices.ContainsFunc(r.Spare, encrypted) || slices.ContainsFunc(r.canaries(), encrypted)
}

// WeightedBackend is one destination of a route.
type WeightedBackend struct {
	*Backend
	Weight int
	Scheme model.Scheme
	// Share counts the route's sessions on the backend; nil where it is the spare one.
	Share *live.Share
}

// Backend is one compiled backend.
type Backend struct {
	model.Backend
	// Live outlives the table.
	Live *live.Backend
	// Open are the endpoints that get new sessions: the ready ones; while there is none, those that
	// are meant for other zones; while there is none either, those that terminate but still serve
	// (Kubernetes KEP-1669).
	Open []*Endpoint
	// ID identifies the backend in hashes.
	ID  uint64
	all []*Endpoint
}

// Endpoint is one compiled endpoint.
type Endpoint struct {
	model.Endpoint
	// Live outlives the table.
	Live *live.Endpoint
	// ID identifies the endpoint in hashes and sticky cookies; it is the same in every replica.
	ID uint64
}

type endpointKey struct {
	backend string
	address netip.AddrPort
}

// departed are live parts that the configuration no longer names but sessions use, or may begin
// to. They are kept, so that whatever comes back in time gets its counters back and its drain is called off.
type departed struct {
	routes    map[string]departedRoute
	endpoints map[endpointKey]*live.Endpoint
	zones     map[zoneKey]*live.Zone
}

// departedRoute remembers what the route served: a route that comes back under another ID is known by that.
type departedRoute struct {
	live     *live.Route
	matches  []model.Match
	backends []model.BackendRef
}

// Len returns how many routes, backends and endpoints the table has.
func (t *Table) Len() (routes, backends, endpoints int) {
	for _, b := range t.backends {
		endpoints += len(b.all)
	}
	return len(t.routes), len(t.backends), endpoints
}

// Certificate returns the certificate for a server name (RFC 6066 section 3): of the exact name,
// else of its wildcard, else the default one. nil: the table has none that fits.
func (t *Table) Certificate(serverName string) *tls.Certificate {
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if c := t.names.exact[name]; c != nil {
		return c
	}
	if _, parent, found := strings.Cut(name, "."); found {
		if c := t.names.exact["*."+parent]; c != nil {
			return c
		}
	}
	return t.names.standard
}

func newBackend(b model.Backend) *Backend {
	return &Backend{Backend: b, ID: balance.Hash(b.Key)}
}
