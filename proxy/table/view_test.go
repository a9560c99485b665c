package table

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// TestTheViewSaysWhatARouteSets: what is left to the defaults is left out.
func TestTheViewSaysWhatARouteSets(t *testing.T) {
	cfg := chat("10.0.0.1")
	cfg.Routes[0].Timeouts.Idle = model.Timeout(2 * time.Hour)
	cfg.Routes[0].Keepalive = model.Keepalive{Interval: model.Timeout(30 * time.Second), Timeout: model.Off, Peers: model.PeersEndpoint}
	text, err := json.Marshal(compile(t, cfg, nil).View())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"timeouts":{"idle":"2h0m0s"}`, `"keepalive":{"interval":"30s","timeout":"off","peers":"Backend"}`, `"drain":{}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the view has no %s: %s", want, text)
		}
	}
}

func TestAKeepaliveThatChangesIsAChange(t *testing.T) {
	before := compile(t, chat("10.0.0.1"), nil)
	cfg := chat("10.0.0.1")
	cfg.Routes[0].Keepalive.Interval = model.Timeout(30 * time.Second)
	if change := compile(t, cfg, before).Diff(before); len(change.RoutesChanged) != 1 {
		t.Errorf("%s, want one route changed", change)
	}
}

func TestTheTableIsPrintedWithAllThatCountsAndNothingSecret(t *testing.T) {
	cfg := routes("a.example.com /chat h:x-tenant=acme q:v~[0-9] s:a s:b", "*any /old")
	r := &cfg.Routes[0]
	cfg.Backends = []model.Backend{{Key: "prod/chat:80"}, {Key: "prod/next:80"}, {Key: "prod/sorry:80"}}
	r.Backends = []model.BackendRef{{Backend: "prod/chat:80", Weight: 1}}
	r.Canary = &model.Canary{Backend: model.BackendRef{Backend: "prod/next:80"}, Header: "x-canary", Weight: 5}
	r.Fallback = &model.Fallback{Backend: model.BackendRef{Backend: "prod/sorry:80"}, Errors: []int{503}}
	r.Access = model.Access{
		Origins: []string{"https://example.com"}, Basic: &model.BasicAuth{Users: "jo:{SHA}c2VjcmV0"},
		External: &model.ExternalAuth{URL: "https://jo:secret@auth.example.com/"},
	}
	r.Limits = model.Limits{Sessions: 10, PerClient: []model.Rate{{Events: 5, Per: time.Minute}}}
	r.BackendTLS = model.BackendTLS{CertPEM: "secret", KeyPEM: "secret"}
	r.Balance = model.Balance{ByLiveSessions: true, Sticky: &model.StickyCookie{}}
	r.Retries = model.Retries{Attempts: 2, Statuses: []int{502, 503}}
	cfg.Routes[1].Redirect = &model.Redirect{Status: 308, Location: "https://new.example.com$request_uri"}
	table, _ := Compile(cfg, nil) // what the others make of keys that are none is not the point
	text := table.String()
	for _, want := range []string{
		"Prefix, header X-Tenant=acme, query v~[0-9], subprotocol a|b", "canary prod/next:80 by header X-Canary=always, weight 5/100 (0 of 0 ready)",
		"fallback prod/sorry:80", "origins https://example.com", "basic authentication", "external authentication", "10 sessions", "5 per 1m0s and client",
		"weights are of live sessions", "cookie FAIRLEAD (Persistent)", "tries 2 endpoints", "retries 502 503", "308 https://new.example.com$request_uri",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	view, err := json.Marshal(table.View())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"conditions":["header X-Tenant=acme"`, `"canary":{"backend":"prod/next:80"`, `"takes":["header`, `"fallback":{"backend":"prod/sorry:80"`, `"errors":[503]`, `"redirect":"308 https`} {
		if !strings.Contains(string(view), want) {
			t.Errorf("%s is not in\n%s", want, view)
		}
	}
	if strings.Contains(string(view), "c2Vjcm") || strings.Contains(string(view), "secret") || strings.Contains(text, "secret") {
		t.Errorf("a secret is told: %s", view)
	}
}

func TestEndpointsForOtherZonesServeWhileNoneIsNear(t *testing.T) {
	cfg := chat("10.0.0.1", "10.0.0.2", "!10.0.0.3")
	cfg.Backends[0].Endpoints[1].State = model.EndpointDistant
	near := compile(t, cfg, nil)
	if got := open(near); len(got) != 1 || got[0] != "10.0.0.1" {
		t.Errorf("open are %v", got)
	}
	cfg = chat("-10.0.0.1", "10.0.0.2", "!10.0.0.3")
	cfg.Backends[0].Endpoints[1].State = model.EndpointDistant
	far := compile(t, cfg, near)
	if got := open(far); len(got) != 1 || got[0] != "10.0.0.2" {
		t.Errorf("open are %v", got)
	}
	for _, e := range far.Diff(near).Leaving {
		if e == far.routes["chat"].Backends[0].Open[0].Live {
			t.Error("its sessions would be drained")
		}
	}
}

func TestWhatATemplateOrPatternCostsWhenItIsWrong(t *testing.T) {
	cfg := chat("10.0.0.1")
	cfg.Backends = append(cfg.Backends, model.Backend{Key: "next"})
	cfg.Routes[0].Canary = &model.Canary{Backend: model.BackendRef{Backend: "next"}, Header: "X", HeaderPattern: "("}
	cfg.Routes[0].Balance = model.Balance{Algorithm: model.ConsistentHash, HashTemplate: "$nonsense"}
	cfg.Routes = append(cfg.Routes, model.Route{
		ID: "old", Matches: []model.Match{claim("*any /")}, Backends: cfg.Routes[0].Backends, Redirect: &model.Redirect{Status: 301, Location: "$nonsense"},
		Fallback: &model.Fallback{Backend: model.BackendRef{Backend: "nowhere"}},
	})
	table, err := Compile(cfg, nil)
	for _, want := range []string{"the pattern for the canary's header", "what is hashed: $nonsense", "where it redirects to", `backend "nowhere" is not configured`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %q", err, want)
		}
	}
	if takes, decided := table.routes["chat"].Canary.Wants(asksFor("h", "/", "X: (")); takes || decided {
		t.Error("a pattern that is none takes the canary")
	}
	if text := table.routes["old"].Location.String(); text != "" {
		t.Errorf("it redirects to %s", text)
	}
}

func TestOnlyWhatChangedIsAChange(t *testing.T) {
	cfg := chat("10.0.0.1")
	cfg.Backends = append(cfg.Backends, model.Backend{Key: "next"})
	cfg.Routes[0].Canary = &model.Canary{Backend: model.BackendRef{Backend: "next"}, Weight: 5}
	before := compile(t, cfg, nil)
	if again := compile(t, cfg, before); again.routes["chat"] != before.routes["chat"] {
		t.Error("an equal route with a canary is compiled anew")
	}
	cfg.Backends = []model.Backend{cfg.Backends[0], {Key: "next", Endpoints: []model.Endpoint{{State: model.EndpointReady}}}}
	after := compile(t, cfg, before)
	if change := after.Diff(before); len(change.RoutesChanged) != 0 || after.routes["chat"] == before.routes["chat"] {
		t.Errorf("%s: the canary's endpoints changed, and they alone", change)
	}
}
