package proxy

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// BenchmarkPick is the choice of an endpoint, for routes that ask for more and more.
func BenchmarkPick(b *testing.B) {
	cfg := model.Config{Backends: []model.Backend{{Key: "old"}, {Key: "next"}}}
	for i := range 20 {
		e := model.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 80)}
		cfg.Backends[i%2].Endpoints = append(cfg.Backends[i%2].Endpoints, e)
	}
	r := &http.Request{
		Host: "chat.example.com", URL: &url.URL{Path: "/room", RawQuery: "uid=7"}, RequestURI: "/room?uid=7",
		Header: http.Header{"X-User": {"jo"}},
	}
	client := &handshake.Client{Address: netip.MustParseAddr("192.0.2.7")}
	for _, c := range []struct {
		name  string
		route func(*model.Route)
	}{
		{"InTurn", func(*model.Route) {}},
		{"Least", func(r *model.Route) { r.Balance.Algorithm = model.LeastSessions }},
		{"Hash", func(r *model.Route) {
			r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashOn: []model.HashOn{{Source: model.HashHeader, Name: "X-User"}}}
		}},
		{"Template", func(r *model.Route) {
			r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashTemplate: "$http_x_user$arg_uid", Subset: 3}
		}},
		{"Weights", func(r *model.Route) { r.Backends = append(r.Backends, model.BackendRef{Backend: "next", Weight: 1}) }},
		{"LiveWeights", func(r *model.Route) {
			r.Backends = append(r.Backends, model.BackendRef{Backend: "next", Weight: 1})
			r.Balance.ByLiveSessions = true
		}},
		{"Canary", func(r *model.Route) {
			r.Canary = &model.Canary{Backend: model.BackendRef{Backend: "next"}, Header: "X-Canary", Weight: 20}
		}},
	} {
		route := model.Route{
			ID: "chat", Matches: []model.Match{{}}, Protocols: model.WebSocket,
			Backends: []model.BackendRef{{Backend: "old", Weight: 9}},
		}
		c.route(&route)
		cfg.Routes = []model.Route{route}
		compiled, err := table.Compile(cfg, nil)
		if err != nil {
			b.Fatal(err)
		}
		hit, _ := compiled.Match(r)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, found := newPicker(hit.Route, r, client).next(); !found {
					b.Fatal("no endpoint")
				}
			}
		})
	}
}
