package admit

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// BenchmarkAdmit measures what a handshake costs on routes that ask for more and more.
func BenchmarkAdmit(b *testing.B) {
	for _, c := range []struct {
		name  string
		route model.Route
	}{
		{"nothing", model.Route{}},
		{"addresses", model.Route{Access: model.Access{Allow: prefixes("10.0.0.0/8", "192.0.2.0/24")}}},
		{"origin", model.Route{Access: model.Access{Origins: []string{"https://*.example.com"}}}},
		{"sessions", model.Route{Limits: model.Limits{SessionsPerClient: 1 << 30}}},
		{"rates", model.Route{Limits: model.Limits{PerClient: []model.Rate{{Events: 1 << 30, Per: time.Second, Burst: 1 << 20}}}}},
		{"password", model.Route{Access: model.Access{Basic: &model.BasicAuth{Users: sesame}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.route.Protocols = model.WebSocket
			p := NewPolicy(&c.route, live.NewZone())
			r := &http.Request{Method: http.MethodGet, URL: new(url.URL), Header: http.Header{
				"Origin": {"https://chat.example.com"}, "Authorization": {"Basic YmVhOnNlc2FtZQ=="},
			}}
			s := Subject{Policy: p, Upgrade: websocket, Request: r, Client: netip.MustParseAddr("192.0.2.1")}
			b.ReportAllocs()
			for b.Loop() {
				if refusal := Admit(&s); refusal != nil {
					b.Fatal(refusal)
				}
				s.Hold.Release(s.Client)
			}
		})
	}
}
