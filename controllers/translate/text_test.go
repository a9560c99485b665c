package translate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
		fmt.Fprintf(b, "  match %s %s %s%s\n", idHost(m.Host), m.Path.Type, m.Path.Value, conditionsText(m))
	}
	fmt.Fprintf(b, "  serve %s\n", strings.Join(servedText(r), " "))
	if r.Redirect != nil {
		fmt.Fprintf(b, "  redirect %d %s\n", r.Redirect.Status, r.Redirect.Location)
	}
	for _, ref := range r.Backends {
		fmt.Fprintf(b, "  to %s weight %d%s\n", ref.Backend, ref.Weight, schemeText(ref.Scheme))
	}
	if c := r.Canary; c != nil {
		details := *c
		details.Backend = model.BackendRef{}
		fmt.Fprintf(b, "  canary %s%s %s\n", c.Backend.Backend, schemeText(c.Backend.Scheme), setFields(details))
	}
	if f := r.Fallback; f != nil {
		fmt.Fprintf(b, "  fallback %s%s for %v told %s\n", f.Backend.Backend, schemeText(f.Backend.Scheme), f.Errors, fieldsText(f.Told))
	}
	if r.Access.Sealed != "" {
		fmt.Fprintf(b, "  sealed: %s\n", r.Access.Sealed)
		r.Access.Sealed = ""
	}
	headersText(b, "request", r.Headers.Request)
	headersText(b, "answer", r.Headers.Response)
	for _, part := range []struct {
		name  string
		value any
	}{
		{"access", r.Access}, {"limits", r.Limits}, {"cors", r.CORS}, {"body", r.MaxBody}, {"endpoint TLS", r.BackendTLS},
		{"rewrite", r.Rewrite}, {"timeouts", r.Timeouts}, {"retries", r.Retries}, {"keepalive", r.Keepalive}, {"drain", r.Drain},
	} {
		if text := setFields(part.value); text != "{}" && text != "null" && text != "0" {
			fmt.Fprintf(b, "  %s %s\n", part.name, text)
		}
	}
	balanceText(b, r.Balance)
}

func conditionsText(m model.Match) string {
	var b strings.Builder
	for _, kind := range []struct {
		name   string
		fields []model.FieldMatch
	}{{"header", m.Headers}, {"query", m.QueryParams}} {
		for _, f := range kind.fields {
			fmt.Fprintf(&b, " %s %s %s", kind.name, f.Name, f.Type)
			if f.Type != model.FieldPresent {
				fmt.Fprintf(&b, " %q", f.Value)
			}
		}
	}
	for _, s := range m.Subprotocols {
		fmt.Fprintf(&b, " subprotocol %s", s)
	}
	return b.String()
}

func servedText(r model.Route) []string {
	var list []string
	for _, part := range []struct {
		said bool
		text string
	}{
		{r.Protocols.Has(model.WebSocket), "WebSocket"},
		{r.Protocols.Has(model.HTTP), "HTTP"},
		{r.RedirectHTTPS, "(to https)"},
		{r.InsecureUpgrade != model.ServeInsecure, "(ws:// " + r.InsecureUpgrade.String() + ")"},
		{r.MinTLS != 0, fmt.Sprintf("(TLS %#x)", r.MinTLS)},
		{r.NoLog, "(no log)"},
	} {
		if part.said {
			list = append(list, part.text)
		}
	}
	return list
}

func schemeText(s model.Scheme) string {
	return map[model.Scheme]string{model.Secure: " TLS", model.AsClient: " as client"}[s]
}

func fieldsText(fields []model.Field) string {
	var list []string
	for _, f := range fields {
		list = append(list, f.Name+": "+f.Value)
	}
	return strings.Join(list, ", ")
}

func headersText(b *strings.Builder, direction string, e model.HeaderEdits) {
	for _, name := range e.Remove {
		fmt.Fprintf(b, "  %s without %s\n", direction, name)
	}
	for _, f := range e.Set {
		fmt.Fprintf(b, "  %s with %s: %s\n", direction, f.Name, f.Value)
	}
	for _, f := range e.Add {
		fmt.Fprintf(b, "  %s with one more %s: %s\n", direction, f.Name, f.Value)
	}
}

func balanceText(b *strings.Builder, balance model.Balance) {
	if balance.Algorithm != model.RoundRobin || len(balance.HashOn) > 0 || balance.ByLiveSessions {
		fmt.Fprintf(b, "  balance %s", balance.Algorithm)
		for _, h := range balance.HashOn {
			fmt.Fprintf(b, " %s %s", h.Source, h.Name)
		}
		if balance.HashTemplate != "" {
			fmt.Fprintf(b, " %s", balance.HashTemplate)
		}
		if balance.Subset > 1 {
			fmt.Fprintf(b, " subset %d", balance.Subset)
		}
		if balance.ByLiveSessions {
			b.WriteString(" by live sessions")
		}
		b.WriteByte('\n')
	}
	if c := balance.Sticky; c != nil {
		fmt.Fprintf(b, "  sticky %s %s\n", c.Mode, setFields(c))
	}
}

// setFields is JSON without the fields that are unset, and with PEM by its length alone.
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
			switch v := prune(v).(type) {
			case nil:
				delete(tree, k)
			case string, bool, float64:
				if v == "" || v == false || v == 0.0 {
					delete(tree, k)
				} else {
					tree[k] = v
				}
			case map[string]any:
				// An empty object says that the thing is there, unless nothing can be unset in it.
				tree[k] = v
				if len(v) == 0 {
					delete(tree, k)
				}
			default:
				tree[k] = v
			}
		}
	case []any:
		for i := range tree {
			tree[i] = prune(tree[i])
		}
	case string:
		if strings.HasPrefix(tree, "-----BEGIN ") {
			var kinds []string
			for _, block := range strings.Split(tree, "-----BEGIN ")[1:] {
				kinds = append(kinds, strings.SplitN(block, "-----", 2)[0])
			}
			return strings.Join(kinds, ", ")
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
	wanted := map[string]string{"Secrets": fmt.Sprint(r.Wanted.Secrets), "ConfigMaps": fmt.Sprint(r.Wanted.ConfigMaps), "names": fmt.Sprint(r.Wanted.Names)}
	for _, kind := range slices.Sorted(maps.Keys(wanted)) {
		if list := strings.Trim(wanted[kind], "[]"); list != "" {
			fmt.Fprintf(&b, "wants %s %s\n", kind, list)
		}
	}
	return b.String()
}
