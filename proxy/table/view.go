package table

import (
	"cmp"
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
	// To is where a route leads that is a redirect: "308 https://example.com/".
	To       string        `json:"redirect,omitempty"`
	Canary   *CanaryView   `json:"canary,omitempty"`
	Fallback *FallbackView `json:"fallback,omitempty"`
	// Policy is what else the route says, in a few words each. Passwords and keys are never among them.
	Policy []string `json:"policy,omitempty"`
}

// MatchView is one host and path of a route, and what else a request must have.
type MatchView struct {
	Host string `json:"host"`
	Type string `json:"type"`
	Path string `json:"path"`
	// Conditions are "header X-Tenant=acme", "header X-Tenant~ac.*", "query v" or "subprotocol a|b".
	Conditions []string `json:"conditions,omitempty"`
}

// CanaryView is what takes requests away from the backends.
type CanaryView struct {
	BackendView
	// Takes says which: "header X-Canary=always", "cookie canary=always" and "weight 5/100".
	Takes []string `json:"takes"`
}

// FallbackView is what answers when the backends don't.
type FallbackView struct {
	BackendView
	Errors []int `json:"errors,omitempty"`
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
		v.Matches = append(v.Matches, MatchView{m.Host, m.Path.Type.String(), m.Path.Value, conditionsInWords(m)})
	}
	for _, b := range r.Backends {
		v.Backends = append(v.Backends, b.view())
	}
	if r.Redirect != nil {
		v.To = fmt.Sprint(r.Redirect.Status, " ", r.Redirect.Location)
	}
	if r.Canary != nil {
		v.Canary = &CanaryView{r.Canary.To[0].view(), r.Canary.inWords()}
	}
	if len(r.Spare) > 0 {
		v.Fallback = &FallbackView{r.Spare[0].view(), r.Fallback.Errors}
	}
	v.Policy = policyInWords(&r.Route)
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
	_, _ = fmt.Fprintln(w, "HOST\tPATH\tMATCH\tROUTE\tBACKENDS\tSESSIONS\tPOLICY")
	for _, r := range t.View() {
		backends, policy := strings.Join(r.destinations(), ", "), cmp.Or(strings.Join(r.Policy, ", "), "-")
		for _, m := range r.Matches {
			match := strings.Join(append([]string{m.Type}, m.Conditions...), ", ")
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", cmp.Or(m.Host, "*"), m.Path, match, r.ID, backends, r.Sessions, policy)
		}
	}
	_ = w.Flush()
	return s.String()
}

// destinations says where requests go.
func (r *RouteView) destinations() (list []string) {
	if r.To != "" {
		return []string{r.To}
	}
	for _, b := range r.Backends {
		list = append(list, fmt.Sprintf("%s x%d (%s)", b.Backend, b.Weight, b.ready()))
	}
	if c := r.Canary; c != nil {
		list = append(list, fmt.Sprintf("canary %s by %s (%s)", c.Backend, strings.Join(c.Takes, ", "), c.ready()))
	}
	if f := r.Fallback; f != nil {
		list = append(list, fmt.Sprintf("fallback %s (%s)", f.Backend, f.ready()))
	}
	if len(list) == 0 {
		return []string{"-"}
	}
	return list
}

func (b *BackendView) ready() string {
	ready := 0
	for _, e := range b.Endpoints {
		if e.State == model.EndpointReady.String() || e.State == model.EndpointDistant.String() {
			ready++
		}
	}
	return fmt.Sprintf("%d of %d ready", ready, len(b.Endpoints))
}
