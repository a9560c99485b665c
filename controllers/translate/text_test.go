package translate

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// configText writes a configuration for people: a line for each thing that is said, none for what
// is left to the data plane's defaults.
func configText(c model.Config) string {
	var b strings.Builder
	for _, r := range c.Routes {
		routeText(&b, r)
	}
	for _, backend := range c.Backends {
		fmt.Fprintf(&b, "backend %s\n", backend.Key)
		for _, e := range backend.Endpoints {
			fmt.Fprintf(&b, "  %s %s %s\n", e.Address, e.State, e.Name)
		}
	}
	for _, cert := range c.Certificates {
		hosts := strings.Join(cert.Hosts, " ")
		if len(cert.Hosts) == 0 {
			hosts = "whatever has none"
		}
		fmt.Fprintf(&b, "certificate %s for %s\n", cert.Name, hosts)
	}
	return b.String()
}

func routeText(b *strings.Builder, r model.Route) {
	fmt.Fprintf(b, "route %s\n", r.ID)
	for _, m := range r.Matches {
		fmt.Fprintf(b, "  match %s %s %s\n", idHost(m.Host), m.Path.Type, m.Path.Value)
	}
	var serves []string
	if r.Protocols.Has(model.WebSocket) {
		serves = append(serves, "WebSocket")
	}
	if r.Protocols.Has(model.HTTP) {
		serves = append(serves, "HTTP")
	}
	if r.RedirectHTTPS {
		serves = append(serves, "(to https)")
	}
	fmt.Fprintf(b, "  serve %s\n", strings.Join(serves, " "))
	for _, ref := range r.Backends {
		scheme := ""
		if ref.Scheme == model.Secure {
			scheme = " TLS"
		}
		fmt.Fprintf(b, "  to %s weight %d%s\n", ref.Backend, ref.Weight, scheme)
	}
	for _, part := range []struct {
		name  string
		value any
	}{{"rewrite", r.Rewrite}, {"timeouts", r.Timeouts}, {"keepalive", r.Keepalive}, {"drain", r.Drain}} {
		if text := setFields(part.value); text != "{}" {
			fmt.Fprintf(b, "  %s %s\n", part.name, text)
		}
	}
	balanceText(b, r.Balance)
}

func balanceText(b *strings.Builder, balance model.Balance) {
	if balance.Algorithm != model.RoundRobin || len(balance.HashOn) > 0 {
		fmt.Fprintf(b, "  balance %s", balance.Algorithm)
		for _, h := range balance.HashOn {
			fmt.Fprintf(b, " %s %s", h.Source, h.Name)
		}
		b.WriteByte('\n')
	}
	if c := balance.Sticky; c != nil {
		fmt.Fprintf(b, "  sticky %s %s\n", c.Mode, setFields(c))
	}
}

// setFields is JSON without the fields that are unset.
func setFields(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return err.Error()
	}
	raw, err = json.Marshal(prune(tree))
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func prune(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for k, v := range tree {
			switch v {
			case nil, "", false, 0.0:
				if k != "MaxAgeJitter" || v == nil {
					delete(tree, k)
				}
			default:
				tree[k] = prune(v)
			}
		}
	case []any:
		for i := range tree {
			tree[i] = prune(tree[i])
		}
	}
	return tree
}

func reportText(r *Report) string {
	var b strings.Builder
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "%s: %d routes\n", o.Object, o.Routes)
		for _, p := range o.Problems {
			fmt.Fprintf(&b, "  %s %s\n    %s\n", p.Reason, p.Field, p.Message)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s %s\n  %s\n", p.Reason, p.Field, p.Message)
	}
	return b.String()
}
