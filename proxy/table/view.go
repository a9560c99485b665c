package table

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/fairlead/fairlead/proxy/model"
)

// RouteView is one route as GET /routes shows it.
type RouteView struct {
	ID        string          `json:"id"`
	Matches   []MatchView     `json:"matches"`
	Protocol  []string        `json:"protocols"`
	Sessions  int64           `json:"sessions"`
	Balance   string          `json:"balance"`
	Timeouts  model.Timeouts  `json:"timeouts"`
	Keepalive model.Keepalive `json:"keepalive"`
	Drain     model.Drain     `json:"drain"`
	Rewrite   *model.Rewrite  `json:"rewrite,omitempty"`
	Redirect  bool            `json:"redirectHTTPS,omitempty"`
	Backends  []BackendView   `json:"backends"`
}

// MatchView is one host and path of a route.
type MatchView struct {
	Host string `json:"host"`
	Type string `json:"type"`
	Path string `json:"path"`
}

// BackendView is one destination of a route.
type BackendView struct {
	Backend   string         `json:"backend"`
	Weight    int            `json:"weight"`
	Scheme    string         `json:"scheme"`
	Endpoints []EndpointView `json:"endpoints"`
}

// EndpointView is one endpoint and what it holds.
type EndpointView struct {
	Address  string `json:"address"`
	Name     string `json:"name,omitempty"`
	State    string `json:"state"`
	Sessions int64  `json:"sessions"`
}

// View returns the table as data for JSON, in the order of the configuration.
func (t *Table) View() []RouteView {
	views := make([]RouteView, 0, len(t.order))
	for _, r := range t.order {
		views = append(views, r.view())
	}
	return views
}

func (r *Route) view() RouteView {
	v := RouteView{
		ID: r.ID, Sessions: r.Live.Sessions(), Balance: r.Balance.Algorithm.String(),
		Timeouts: r.Timeouts, Keepalive: r.Keepalive, Drain: r.Drain, Redirect: r.RedirectHTTPS, Backends: []BackendView{},
	}
	if r.Rewrite != (model.Rewrite{}) {
		v.Rewrite = &r.Rewrite
	}
	if r.Protocols.Has(model.WebSocket) {
		v.Protocol = append(v.Protocol, "WebSocket")
	}
	if r.Protocols.Has(model.HTTP) {
		v.Protocol = append(v.Protocol, "HTTP")
	}
	for _, m := range r.Matches {
		v.Matches = append(v.Matches, MatchView{Host: m.Host, Type: m.Path.Type.String(), Path: m.Path.Value})
	}
	for _, b := range r.Backends {
		v.Backends = append(v.Backends, b.view())
	}
	return v
}

func (b WeightedBackend) view() BackendView {
	v := BackendView{Backend: b.Key, Weight: b.Weight, Scheme: b.Scheme.String(), Endpoints: []EndpointView{}}
	for _, e := range b.all {
		v.Endpoints = append(v.Endpoints, EndpointView{
			Address: e.Address.String(), Name: e.Name, State: e.State.String(), Sessions: e.Live.Sessions(),
		})
	}
	return v
}

// String prints the table for people: a line for every host and path.
func (t *Table) String() string {
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "HOST\tPATH\tMATCH\tROUTE\tBACKENDS\tSESSIONS")
	for _, r := range t.View() {
		var backends []string
		for _, b := range r.Backends {
			ready := 0
			for _, e := range b.Endpoints {
				if e.State == model.EndpointReady.String() {
					ready++
				}
			}
			backends = append(backends, fmt.Sprintf("%s x%d (%d of %d ready)", b.Backend, b.Weight, ready, len(b.Endpoints)))
		}
		if len(backends) == 0 {
			backends = []string{"-"}
		}
		for _, m := range r.Matches {
			host := m.Host
			if host == "" {
				host = "*"
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", host, m.Path, m.Type, r.ID, strings.Join(backends, ", "), r.Sessions)
		}
	}
	_ = w.Flush()
	return s.String()
}
