package table

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// chat is one route "chat" with the endpoints of one backend; "10.0.0.1" is ready, "!10.0.0.1"
// terminating, "-10.0.0.1" not ready.
func chat(endpoints ...string) model.Config {
	cfg := routes("chat.example.com /")
	cfg.Routes[0].ID = "chat"
	cfg.Routes[0].Backends = []model.BackendRef{{Backend: "prod/chat:80", Weight: 1}}
	b := model.Backend{Key: "prod/chat:80"}
	for _, e := range endpoints {
		state := model.EndpointReady
		switch e[0] {
		case '!':
			state = model.EndpointTerminating
		case '-':
			state = model.EndpointNotReady
		}
		b.Endpoints = append(b.Endpoints, model.Endpoint{
			Address: netip.AddrPortFrom(netip.MustParseAddr(strings.TrimLeft(e, "!-")), 80), State: state,
		})
	}
	cfg.Backends = []model.Backend{b}
	return cfg
}

func open(t *Table) (addresses []string) {
	for _, e := range t.routes["chat"].Backends[0].Open {
		addresses = append(addresses, e.Address.Addr().String())
	}
	return addresses
}

func TestNewSessionsGoToReadyEndpointsAndToTerminatingOnesOnlyInNeed(t *testing.T) {
	for _, c := range []struct {
		endpoints []string
		want      []string
	}{
		{[]string{"10.0.0.1", "-10.0.0.2", "!10.0.0.3"}, []string{"10.0.0.1"}},
		{[]string{"-10.0.0.2", "!10.0.0.3"}, []string{"10.0.0.3"}},
		{[]string{"-10.0.0.2"}, nil},
	} {
		if got := open(compile(t, chat(c.endpoints...), nil)); !slices.Equal(got, c.want) {
			t.Errorf("%v: open are %v, want %v", c.endpoints, got, c.want)
		}
	}
}

func TestCountersSurviveAPublish(t *testing.T) {
	first := compile(t, chat("10.0.0.1", "10.0.0.2"), nil)
	r, e := first.routes["chat"], first.routes["chat"].Backends[0].Open[0]
	r.Live.Acquire()
	e.Live.Acquire()
	second := compile(t, chat("10.0.0.3", "10.0.0.1"), first)
	if second.routes["chat"].Live.Sessions() != 1 || second.routes["chat"].Backends[0].Open[1].Live.Sessions() != 1 {
		t.Error("counters were lost")
	}
}

func TestAnEndpointThatComesBackHasItsCounterBack(t *testing.T) {
	table := compile(t, chat("10.0.0.1", "10.0.0.2"), nil)
	endpoint := table.routes["chat"].Backends[0].Open[0].Live
	endpoint.Acquire()
	for _, cfg := range []model.Config{chat("10.0.0.2"), routes("other.example.com /"), chat("10.0.0.2")} {
		table = compile(t, cfg, table)
	}
	table = compile(t, chat("10.0.0.1", "10.0.0.2"), table)
	if table.routes["chat"].Backends[0].Open[0].Live != endpoint {
		t.Error("the endpoint forgot its session")
	}
	endpoint.Release()
	table = compile(t, chat("10.0.0.2"), table)
	table = compile(t, chat("10.0.0.2", "10.0.0.3"), table) // one more, for handshakes under way
	if len(table.departed.endpoints) != 0 {
		t.Error("an endpoint without sessions is remembered")
	}
}

func TestARenamedRuleIsTheSameRoute(t *testing.T) {
	before := compile(t, chat("10.0.0.1"), nil)
	before.routes["chat"].Live.Acquire()
	cfg := chat("10.0.0.1")
	cfg.Routes[0].ID = "talk"
	after := compile(t, cfg, before)
	change := after.Diff(before)
	if len(change.Gone) != 0 {
		t.Error("the sessions of a renamed rule would be closed")
	}
	if after.routes["talk"].Live != before.routes["chat"].Live {
		t.Error("the counters of a renamed rule are lost")
	}
}

func TestADeletedRouteThatComesBackIsRestored(t *testing.T) {
	first := compile(t, chat("10.0.0.1"), nil)
	liveRoute := first.routes["chat"].Live
	liveRoute.Acquire()
	second := compile(t, model.Config{}, first)
	if gone := second.Diff(first).Gone; len(gone) != 1 || gone[0] != liveRoute {
		t.Fatalf("gone: %v", gone)
	}
	cfg := chat("10.0.0.1")
	cfg.Routes[0].ID = "under another name"
	third := compile(t, cfg, second)
	if back := third.Diff(second).Back; len(back) != 1 || back[0] != liveRoute {
		t.Errorf("back: %v", back)
	}
}

func TestAHandshakeDuringAPublishIsNotForgotten(t *testing.T) {
	first := compile(t, chat("10.0.0.1"), nil)
	route := first.routes["chat"]
	endpoint := route.Backends[0].Open[0].Live
	gone := compile(t, model.Config{}, first)
	empty := compile(t, chat(), first)
	route.Live.Acquire() // matched before, counted only now
	endpoint.Acquire()
	if back := compile(t, chat("10.0.0.1"), gone); back.routes["chat"].Live != route.Live {
		t.Error("the route came back as another one: its session would be closed")
	}
	if back := compile(t, chat("10.0.0.1"), empty); back.routes["chat"].Backends[0].Open[0].Live != endpoint {
		t.Error("the endpoint came back as another one: its session would be closed")
	}
}

func TestARouteLivesAsLongAsSomebodyClaimsItsHostAndPath(t *testing.T) {
	split := chat("10.0.0.1")
	split.Routes = append(split.Routes, split.Routes[0])
	split.Routes[1].ID, split.Routes[1].Matches = "chat/plain", []model.Match{claim("plain.example.com /")}
	first := compile(t, split, nil)
	plain := first.routes["chat/plain"].Live
	plain.Acquire()
	joined := chat("10.0.0.1")
	joined.Routes[0].Matches = append(joined.Routes[0].Matches, claim("plain.example.com /"))
	second := compile(t, joined, first)
	if gone := second.Diff(first).Gone; len(gone) != 0 {
		t.Error("its sessions would be closed though their host and path are served")
	}
	third := compile(t, chat("10.0.0.1"), second)
	if gone := third.Diff(second).Gone; len(gone) != 1 || gone[0] != plain {
		t.Errorf("now nobody claims them, but gone are %v", gone)
	}
}

func TestARouteIsSucceededByWhatLeadsToItsBackend(t *testing.T) {
	serving := func(id, match, backend string) model.Config {
		cfg := chat("10.0.0.1")
		cfg.Routes[0].ID, cfg.Routes[0].Matches = id, []model.Match{claim(match)}
		cfg.Routes[0].Backends = []model.BackendRef{{Backend: backend, Weight: 1}}
		cfg.Backends = append(cfg.Backends, model.Backend{Key: "site:80"})
		return cfg
	}
	backend := chat().Backends[0].Key
	for _, c := range []struct {
		before, after, backend string
		stays                  bool
	}{
		{"chat.example.com /chat", "chat.example.com /", backend, true},
		{"chat.example.com /chat", "*.example.com /chat", backend, true},
		{"chat.example.com /chat", "chat.example.com ~/chat(/|$)(.*)", backend, true},
		{"chat.example.com ~(?i)/chat(/|$)(.*)", "chat.example.com /chat", backend, true},
		{"*.example.com /", "*any /", backend, true},
		{"chat.example.com /chat", "chat.example.com /", "site:80", false},
		{"chat.example.com /", "chat.example.com /chat", backend, false},
		{"chat.example.com /", "other.example.com /", backend, false},
		{"chat.example.com ~/[a-z]+", "chat.example.com /", backend, false}, // nobody knows what was asked
	} {
		first := compile(t, serving("before", c.before, backend), nil)
		first.routes["before"].Live.Acquire()
		second := compile(t, serving("after", c.after, c.backend), first)
		if gone := second.Diff(first).Gone; len(gone) == 0 != c.stays {
			t.Errorf("%s became %s to %s: %d routes are gone", c.before, c.after, c.backend, len(gone))
		}
	}
}

func TestEndpointsThatLeaveAreTold(t *testing.T) {
	first := compile(t, chat("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"), nil)
	second := compile(t, chat("10.0.0.1", "!10.0.0.2", "-10.0.0.3"), first)
	c := second.Diff(first)
	if len(c.Leaving) != 2 || len(c.Staying) != 2 || c.None() {
		t.Errorf("%d leave and %d stay: %s", len(c.Leaving), len(c.Staying), c)
	}
	again := compile(t, chat("10.0.0.1", "!10.0.0.2", "10.0.0.3"), second)
	if got := again.Diff(second).String(); got != "1 backends changed" {
		t.Errorf("an endpoint that was leaving before is told again: %s", got)
	}
	third := compile(t, model.Config{}, second)
	if c := third.Diff(second); len(c.Leaving) != 0 {
		t.Error("a backend that no route names any more is not a backend whose endpoints leave")
	}
}

func TestWhatDidNotChangeIsShared(t *testing.T) {
	both := chat("10.0.0.1")
	both.Routes = append(both.Routes, routes("other.example.com /").Routes...)
	first := compile(t, both, nil)
	changed := chat("10.0.0.1", "10.0.0.2")
	changed.Routes = append(changed.Routes, routes("other.example.com /").Routes...)
	second := compile(t, changed, first)
	if first.routes["other.example.com /"] != second.routes["other.example.com /"] ||
		first.hosts.exact["other.example.com"] != second.hosts.exact["other.example.com"] {
		t.Error("the untouched route was built anew")
	}
	if first.routes["chat"] == second.routes["chat"] {
		t.Error("the changed route is the old one")
	}
	if same := compile(t, changed, second); !same.Diff(second).None() {
		t.Errorf("an equal configuration is a change: %s", same.Diff(second))
	}
}

func TestOnlyTheBadPartIsLeftOut(t *testing.T) {
	cfg := chat("10.0.0.1")
	cfg.Routes = append(cfg.Routes,
		model.Route{ID: "broken", Matches: []model.Match{claim("chat.example.com ~/a(")}},
		model.Route{ID: "second", Matches: []model.Match{claim("chat.example.com /"), claim("b.example.com /")}},
		model.Route{ID: "chat", Matches: []model.Match{claim("c.example.com /")}},
		model.Route{ID: "dangling", Matches: []model.Match{claim("d.example.com /")}, Backends: []model.BackendRef{{Backend: "no/such:1"}}},
	)
	cfg.Certificates = []model.Certificate{{Name: "prod/bad", CertPEM: []byte("no"), KeyPEM: []byte("no")}}
	table, err := Compile(cfg, nil)
	for _, want := range []string{
		`route "broken": host "chat.example.com": error parsing regexp: missing closing ): ` + "`/a(`",
		`route "second": host "chat.example.com" and path "/" belong to route "chat"`,
		`route "chat" is configured twice`, `backend "no/such:1" is not configured`, "certificate prod/bad",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s\nin %v", want, err)
		}
	}
	if _, found := table.Match(asks("b.example.com", "/")); !found || table.routes["chat"] == nil || table.routes["dangling"] == nil {
		t.Error("good parts are missing")
	}
}

func pair(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano())}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func TestCertificatesAreFoundByNameAndParsedOnce(t *testing.T) {
	cert, key := pair(t)
	cert2, key2 := pair(t)
	cfg := model.Config{Certificates: []model.Certificate{
		{Name: "exact", Hosts: []string{"a.example.com"}, CertPEM: cert, KeyPEM: key},
		{Name: "wildcard", Hosts: []string{"*.example.com"}, CertPEM: cert2, KeyPEM: key2},
	}}
	first := compile(t, cfg, nil)
	if first.Certificate("A.example.com.") != first.Certificate("a.example.com") || first.Certificate("a.example.com") == first.Certificate("b.example.com") {
		t.Error("the exact name does not win")
	}
	if first.Certificate("b.example.com") == nil || first.Certificate("x.b.example.com") != nil || first.Certificate("") != nil {
		t.Error("a wildcard is one label, and without a default there is none")
	}
	cfg.Certificates = append(cfg.Certificates, model.Certificate{Name: "default", CertPEM: cert2, KeyPEM: key2})
	second := compile(t, cfg, first)
	if second.Certificate("") == nil || second.Certificate("a.example.com") != first.Certificate("a.example.com") {
		t.Error("the default certificate is missing, or an equal pair was parsed again")
	}
	if c := second.Diff(first); c.None() || c.String() != "certificates changed" {
		t.Errorf("the change is %q", c)
	}
}

// many is n routes with ten endpoints each.
func many(n int) model.Config {
	cfg := model.Config{}
	for i := range n {
		key := fmt.Sprintf("prod/s%d:80", i)
		b := model.Backend{Key: key}
		for e := range 10 {
			b.Endpoints = append(b.Endpoints, model.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), byte(e)}), 80)})
		}
		cfg.Backends = append(cfg.Backends, b)
		cfg.Routes = append(cfg.Routes, model.Route{
			ID: fmt.Sprintf("wsr/prod/s%d/0", i), Matches: []model.Match{{Host: fmt.Sprintf("s%d.example.com", i)}},
			Backends: []model.BackendRef{{Backend: key, Weight: 1}},
		})
	}
	return cfg
}

func TestOldTablesAreNotHeldByWhatSessionsKeep(t *testing.T) {
	held := make([]any, 0, 50)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	table := compile(t, many(2000), nil)
	begin := heap()
	for round := range 50 {
		cfg := many(2000)
		for i := range cfg.Routes {
			cfg.Routes[i].ID += fmt.Sprint("-", round) // every route is new
		}
		table = compile(t, cfg, nil)
		r := table.routes[cfg.Routes[0].ID]
		held = append(held, r.Live, r.Backends[0].Open[0].Live)
	}
	if grown := int64(heap()) - int64(begin); grown > 4<<20 {
		t.Errorf("50 tables left %d KiB behind in %d held parts", grown>>10, len(held))
	}
	runtime.KeepAlive(held)
	runtime.KeepAlive(table)
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) {
			cfg := many(n)
			for b.Loop() {
				if _, err := Compile(cfg, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("one-endpoint-changed/%d", n), func(b *testing.B) {
			prev, _ := Compile(many(n), nil)
			cfg := many(n)
			cfg.Backends[0].Endpoints[0].State = model.EndpointTerminating
			for b.Loop() {
				next, err := Compile(cfg, prev)
				if err != nil || next.Diff(prev).None() {
					b.Fatal(err, "or no change")
				}
			}
		})
	}
}
