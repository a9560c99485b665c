package nginx

import (
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// Kind says which objects routes become.
type Kind string

// The kinds of routes.
const (
	WebSocketRoute Kind = "websocketroute"
	Ingress        Kind = "ingress"
)

// Options say how to migrate. The zero value is usable.
type Options struct {
	// Kind is WebSocketRoute unless it is set.
	Kind Kind
	// Namespace of all objects. "": none is written, and kubectl's counts.
	Namespace string
	// IngressClass of all objects. "": fairlead.
	IngressClass string
	// Read reads files that directives name, such as certificates, into Secrets. nil: Secrets are not
	// written, and the report has the commands that make them.
	Read func(name string) ([]byte, error)
}

// Object is a manifest.
type Object struct {
	Kind, Name string
	// Value is the typed object.
	Value any
}

// Result is what a configuration became.
type Result struct {
	Objects []Object
	Report  *Report
}

// Migrate turns a configuration into objects. What it can't is told in the report; there is no error.
func Migrate(config *nginxsyntax.Config, options Options) Result {
	if options.Kind == "" {
		options.Kind = WebSocketRoute
	}
	if options.IngressClass == "" {
		options.IngressClass = "fairlead"
	}
	m := &migration{
		options:     options,
		ledger:      newLedger(),
		vars:        variables{maps: map[string]*mapping{}},
		groups:      map[string]*nginxsyntax.Directive{},
		zones:       map[string]*nginxsyntax.Directive{},
		services:    newServices(),
		names:       taken{},
		first:       map[listener]*server{},
		routeNames:  taken{},
		secretNames: map[string]string{},
		claimed:     map[claim]*route{},
	}
	for d := range nginxsyntax.All(config.Directives) {
		if _, known := m.order[d.File]; !known {
			m.order[d.File] = len(m.order)
		}
	}
	m.includes(config)
	m.contexts(config.Directives, &scope{list: config.Directives})
	m.readServers()
	for _, s := range m.servers {
		m.routesOf(s)
	}
	m.keepApart()
	m.claim()
	m.emit()
	m.leftovers(config.Directives)
	return Result{Objects: m.objects, Report: m.report()}
}

// migration is one run of Migrate.
type migration struct {
	*ledger
	options  Options
	vars     variables
	groups   map[string]*nginxsyntax.Directive // upstream blocks, by name
	zones    map[string]*nginxsyntax.Directive // limit_conn_zone and limit_req_zone, by name
	blocks   []serverBlock
	servers  []*server
	first    map[listener]*server // that nginx takes for a host on a port
	services *services
	routes   []*route
	claimed  map[claim]*route
	names    taken // of Secrets
	// secretNames are the Secrets by the files that they are made of.
	secretNames map[string]string
	routeNames  taken // of WebSocketRoutes and Ingresses
	served      []served
	objects     []Object
	general     bool // what differs for every route was told
}

// serverBlock is a server with the blocks around it.
type serverBlock struct {
	d     *nginxsyntax.Directive
	outer *scope
}

func (m *migration) includes(config *nginxsyntax.Config) {
	missing := map[*nginxsyntax.Directive]bool{}
	for _, miss := range config.Missing {
		missing[miss.Include] = true
		if harmlessInclude(miss.Include.Arg(0)) {
			m.kept(miss.Include, "not there, and nothing in a file of this name matters here")
			continue
		}
		m.lost(miss.Include, "not there: nothing of it is migrated", "give a copy of the whole folder, or put the file where the name points from the folder of the first file")
	}
	for _, d := range config.Includes {
		if !missing[d] {
			m.kept(d, "read")
		}
	}
}

// contexts finds what the blocks hold that routes are made of. A file may also begin within http, or
// even within a server: people keep pieces.
func (m *migration) contexts(list []*nginxsyntax.Directive, at *scope) {
	var loose []*nginxsyntax.Directive
	for _, d := range list {
		switch {
		case d.Name == "http" && d.Block != nil:
			m.silent(d)
			m.contexts(d.Block, at.inner(d.Block))
		case d.Name == "server" && d.Block != nil:
			m.blocks = append(m.blocks, serverBlock{d, at})
		case d.Name == "upstream" && d.Block != nil:
			m.groups[d.Arg(0)] = d
		case d.Name == "map" && len(d.Args) == 2 && d.Block != nil:
			m.vars.maps[trimDollar(d.Arg(1))] = newMapping(d)
		case d.Name == "limit_conn_zone" || d.Name == "limit_req_zone":
			m.zones[parameter(d.Args, "zone")] = d
		case d.Name == "location":
			loose = append(loose, d)
		case d.Name == "stream" || d.Name == "mail":
			m.silence(d.Block)
			m.lost(d, "Fairlead serves HTTP and WebSockets, no other TCP and no UDP", "use a Service of type LoadBalancer for it")
		}
	}
	if len(loose) > 0 {
		whole := &nginxsyntax.Directive{File: loose[0].File, Line: loose[0].Line, Name: "server", Block: list}
		m.blocks = append(m.blocks, serverBlock{whole, at})
	}
}

func trimDollar(name string) string {
	found := names(name)
	if len(found) != 1 {
		return name
	}
	return found[0]
}
