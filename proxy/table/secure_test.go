package table

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// demanding is a configuration of hosts and what their only routes want: "cert:CAs", "1.2", "1.3".
func demanding(wants map[string]string) model.Config {
	var cfg model.Config
	for host, want := range wants {
		r := model.Route{ID: "of " + host, Matches: []model.Match{{Host: host, Path: model.PathMatch{Value: "/"}}}}
		for word := range strings.FieldsSeq(want) {
			switch cas, asks := strings.CutPrefix(word, "cert:"); {
			case asks:
				r.Access.ClientCert = &model.ClientCert{CAs: cas, Mode: model.UnverifiedCert}
			case word == "1.3":
				r.MinTLS = tls.VersionTLS13
			case word == "1.2":
				r.MinTLS = tls.VersionTLS12
			}
		}
		cfg.Routes = append(cfg.Routes, r)
	}
	return cfg
}

// compileAny compiles what may have certificates that can't be read: here they are only names.
func compileAny(cfg model.Config, prev *Table) *Table {
	t, _ := Compile(cfg, prev)
	return t
}

// What a request for a name may come to decides the handshake: its host, its wildcard, and any host.
func TestAHandshakeIsLikeItsHostsRoutesWant(t *testing.T) {
	table := compileAny(demanding(map[string]string{
		"plain.example.com": "", "cert.example.com": "cert:a", "new.example.com": "1.3", "old.example.com": "1.2",
		"*.wild.example.com": "cert:b", "one.wild.example.com": "1.3",
	}), nil)
	for name, want := range map[string]string{
		"plain.example.com": "", "cert.example.com": "asks", "CERT.example.com.": "asks", "new.example.com": "TLS 1.3", "old.example.com": "TLS 1.2",
		"two.wild.example.com": "asks", "one.wild.example.com": "TLS 1.3 asks", "a.b.wild.example.com": "", "wild.example.com": "", "": "", "example.org": "",
	} {
		if got := wanted(table, name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	all := compileAny(demanding(map[string]string{"": "cert:a", "plain.example.com": "", "*.example.com": "1.3"}), nil)
	for name, want := range map[string]string{"": "asks", "example.org": "asks", "plain.example.com": "TLS 1.3 asks", "x.example.com": "TLS 1.3 asks"} {
		if got := wanted(all, name); got != want {
			t.Errorf("with any host, %q: %q, want %q", name, got, want)
		}
	}
}

func wanted(t *Table, name string) string {
	terms := t.Terms(name)
	if terms == nil {
		return ""
	}
	var words []string
	if terms.MinVersion != 0 {
		words = append(words, tls.VersionName(terms.MinVersion))
	}
	if terms.Asks {
		words = append(words, "asks")
	}
	return strings.Join(words, " ")
}

func TestOnlyHostsWithEqualTermsShareAConnection(t *testing.T) {
	table := compileAny(demanding(map[string]string{
		"a.example.com": "", "b.example.com": "", "c.example.com": "cert:a", "d.example.com": "cert:a", "e.example.com": "1.3", "f.example.com": "1.3",
	}), nil)
	for _, c := range []struct {
		name, host string
		want       bool
	}{
		{"a.example.com", "b.example.com", false},
		{"", "b.example.com", false},
		{"a.example.com", "unknown.example.com", false},
		{"e.example.com", "f.example.com:8443", false},
		{"c.example.com", "c.example.com:443", false},
		{"c.example.com", "d.example.com", true}, // as strict, but another door
		{"a.example.com", "c.example.com", true},
		{"c.example.com", "a.example.com", true},
		{"a.example.com", "e.example.com", true},
		{"", "c.example.com", true},
		{"c.example.com", "", true},
	} {
		if got := table.Misdirected(c.name, c.host); got != c.want {
			t.Errorf("%q over a connection for %q: misdirected: %t", c.host, c.name, got)
		}
	}
	if none := compileAny(demanding(map[string]string{"a.example.com": ""}), nil); none.Misdirected("x", "y") || none.security.hosts != nil {
		t.Error("nobody wants anything, and still it costs")
	}
}

// Sessions that can be resumed, and idle connections, survive what has nothing to do with them.
func TestTLSIsSharedBetweenRoutesAndTables(t *testing.T) {
	config := func(timeouts model.Timeouts, name string) model.Config {
		cfg := demanding(map[string]string{"a.example.com": "cert:a", "b.example.com": "cert:a", "c.example.com": "1.3"})
		for i := range cfg.Routes {
			cfg.Routes[i].Timeouts = timeouts
			cfg.Routes[i].BackendTLS.ServerName = name
		}
		return cfg
	}
	first := compileAny(config(model.Timeouts{}, "x"), nil)
	a := first.routes["of a.example.com"]
	if a.EndpointTLS == nil || a.EndpointTLS != first.routes["of b.example.com"].EndpointTLS {
		t.Error("two routes that say the same don't share")
	}
	if first.Terms("a.example.com") != first.Terms("b.example.com") {
		t.Error("two hosts that want the same don't share")
	}
	second := compileAny(config(model.Timeouts{Idle: model.Off}, "x"), first)
	again := second.routes["of a.example.com"]
	if again == a || again.EndpointTLS != a.EndpointTLS || second.Terms("a.example.com") != first.Terms("a.example.com") {
		t.Error("another timeout makes other TLS")
	}
	third := compileAny(config(model.Timeouts{}, "y"), second)
	if third.routes["of a.example.com"].EndpointTLS == a.EndpointTLS {
		t.Error("another name makes no other TLS")
	}
	if len(third.security.endpoints) != 1 || len(third.security.terms) != 2 {
		t.Errorf("%d and %d are kept", len(third.security.endpoints), len(third.security.terms))
	}
}

func TestARouteWhoseTLSIsWrongIsNamed(t *testing.T) {
	cfg := demanding(map[string]string{"a.example.com": "", "b.example.com": ""})
	for i := range cfg.Routes {
		cfg.Routes[i].BackendTLS = model.BackendTLS{Verify: true, CAs: "nothing"}
	}
	table, err := Compile(cfg, nil)
	if err == nil || !strings.Contains(err.Error(), `route "of `) || !strings.Contains(err.Error(), "TLS to endpoints") {
		t.Errorf("told %v", err)
	}
	if routes, _, _ := table.Len(); routes != 2 {
		t.Errorf("%d routes are served", routes)
	}
}

// BenchmarkTerms is what the table adds to each handshake, and to each request over TLS.
func BenchmarkTerms(b *testing.B) {
	wants := map[string]string{}
	for i := range 5000 {
		wants[fmt.Sprintf("%d.example.com", i)] = ""
	}
	for _, c := range []struct{ name, want string }{{"none", ""}, {"one host of 5000", "cert:a"}} {
		wants["7.example.com"] = c.want
		t := compileAny(demanding(wants), nil)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				runtime.KeepAlive(t.Terms("8.example.com"))
				runtime.KeepAlive(t.Misdirected("8.example.com", "8.example.com"))
			}
		})
	}
}
