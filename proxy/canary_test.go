package proxy_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/model"
)

// besides adds a backend "prod/next:80" with the pods.
func besides(cfg model.Config, pods ...*pod) model.Config {
	b := model.Backend{Key: "prod/next:80"}
	for _, p := range pods {
		b.Endpoints = append(b.Endpoints, model.Endpoint{Address: p.address(), Name: p.name})
	}
	cfg.Backends = append(cfg.Backends[:1:1], b)
	return cfg
}

// canarying sends a part of the requests to "prod/next:80".
func canarying(c model.Canary) func(*model.Route) {
	c.Backend = model.BackendRef{Backend: "prod/next:80"}
	return func(r *model.Route) { r.Canary = &c }
}

func TestACanaryGetsItsShareInAnyShortRun(t *testing.T) {
	r := start(t)
	cfg := besides(service(newPod(t, "old")), newPod(t, "next"))
	for _, c := range []struct{ weight, total, low, high int }{{20, 0, 7, 9}, {1, 4, 9, 11}, {0, 0, 0, 0}, {200, 100, 40, 40}} {
		r.publish(with(cfg, canarying(model.Canary{Weight: c.weight, Total: c.total})))
		next := 0
		for range 40 {
			if name, _ := r.who(); name == "next" {
				next++
			}
		}
		if next < c.low || next > c.high {
			t.Errorf("%d of %d: %d of 40 sockets went to the canary", c.weight, c.total, next)
		}
	}
}

func TestHeaderAndCookieDecideBeforeWeight(t *testing.T) {
	r := start(t)
	cfg := besides(service(newPod(t, "old")), newPod(t, "next"))
	for _, c := range []struct {
		name    string
		rule    model.Canary
		headers string
		want    string
	}{
		{"always", model.Canary{Header: "x-canary"}, "X-Canary: always", "next"},
		{"never", model.Canary{Header: "x-canary", Weight: 100}, "X-Canary: never", "old"},
		{"never wins over the cookie", model.Canary{Header: "x-canary", Cookie: "canary"}, "X-Canary: never|Cookie: canary=always", "old"},
		{"neither leaves it to the cookie", model.Canary{Header: "x-canary", Cookie: "canary"}, "X-Canary: maybe|Cookie: canary=always", "next"},
		{"neither leaves it to the weight", model.Canary{Header: "x-canary", Weight: 100}, "X-Canary: maybe", "next"},
		{"the value", model.Canary{Header: "x-canary", HeaderValue: "eu"}, "X-Canary: eu", "next"},
		{"another value", model.Canary{Header: "x-canary", HeaderValue: "eu"}, "X-Canary: always", "old"},
		{"another value leaves it to the cookie", model.Canary{Header: "x-canary", HeaderValue: "eu", Cookie: "canary"}, "X-Canary: us|Cookie: canary=always", "next"},
		{"a pattern matches any part", model.Canary{Header: "x-user", HeaderPattern: "@example\\.(com|org)"}, "X-User: jo@example.org!", "next"},
		{"a pattern that does not match", model.Canary{Header: "x-user", HeaderPattern: "^jo$"}, "X-User: joe", "old"},
		{"a value wins over a pattern", model.Canary{Header: "x-user", HeaderValue: "a", HeaderPattern: "b"}, "X-User: b", "old"},
		{"a cookie", model.Canary{Cookie: "canary", Weight: 100}, "Cookie: canary=never", "old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.publish(with(cfg, canarying(c.rule)))
			for range 3 {
				if name, _ := r.who(strings.Split(c.headers, "|")...); name != c.want {
					t.Fatalf("went to %s, want %s", name, c.want)
				}
			}
		})
	}
}

func TestACookieKeepsItsClientOnTheSideItWasTakenTo(t *testing.T) {
	for _, mode := range []model.StickyMode{model.Persistent, model.Balanced} {
		t.Run(mode.String(), func(t *testing.T) {
			r := start(t)
			all := pods(t, 6)
			publish := func(change func(*model.Canary), next ...*pod) {
				rule := model.Canary{Header: "X-Canary", Weight: 50}
				if change != nil {
					change(&rule)
				}
				r.publish(with(besides(service(all[:3]...), next...), func(route *model.Route) {
					route.Balance.Sticky = &model.StickyCookie{Name: "ROUTE", Mode: mode}
					canarying(rule)(route)
				}))
			}
			isNext := func(name string) bool { return name >= "pod-3" }
			publish(nil, all[3:]...)
			for side, header := range map[bool]string{true: "X-Canary: always", false: "X-Canary: never"} {
				name, cookies := r.who(header)
				if isNext(name) != side || len(cookies) != 1 {
					t.Fatalf("%s went to %s with %v", header, name, cookies)
				}
				cookie := "Cookie: ROUTE=" + cookies[0].Value
				against := map[bool]string{true: "X-Canary: never", false: "X-Canary: always"}[side]
				for range 6 {
					if again, set := r.who(cookie, against); again != name || len(set) != 0 {
						t.Errorf("came to %s instead of %s, %v", again, name, set)
					}
				}
				if !side {
					continue
				}
				// Its pod goes: another one of the canary, though nothing but the cookie speaks for it.
				publish(func(c *model.Canary) { c.Weight = 0 }, without(all[3:], name)...)
				now, set := r.who(cookie)
				if !isNext(now) || now == name {
					t.Errorf("came to %s", now)
				}
				if len(set) == 1 {
					cookie = "Cookie: ROUTE=" + set[0].Value
				}
				// The canary has no pod at all: the others, and the cookie says so.
				publish(func(c *model.Canary) { c.Weight = 0 })
				now, set = r.who(cookie)
				if isNext(now) || len(set) != 1 {
					t.Errorf("came to %s with %v", now, set)
				}
				publish(func(c *model.Canary) { c.IgnoreSticky = true }, all[3:]...)
				if now, set := r.who(cookie, "X-Canary: never"); isNext(now) || len(set) != 1 {
					t.Errorf("came to %s with %v though cookies don't count", now, set)
				}
				if now, set := r.who(cookie, "X-Canary: always"); !isNext(now) || len(set) != 0 {
					t.Errorf("came to %s with %v though cookies don't count", now, set)
				}
				publish(nil, all[3:]...)
			}
		})
	}
}

func without(pods []*pod, name string) (left []*pod) {
	for _, p := range pods {
		if p.name != name {
			left = append(left, p)
		}
	}
	return left
}

func TestACanaryThatFailsHasTheOthersBehindItAndNotTheOtherWayRound(t *testing.T) {
	r := start(t)
	cfg := besides(service(newPod(t, "old")))
	cfg.Backends[1].Endpoints = []model.Endpoint{{Address: refusing(t)}}
	r.publish(with(cfg, canarying(model.Canary{Weight: 100})))
	if name, _ := r.who(); name != "old" {
		t.Errorf("went to %s", name)
	}
	cfg = besides(service(), newPod(t, "next"))
	r.publish(with(cfg, canarying(model.Canary{Header: "X-Canary"})))
	if _, answer, err := r.dial(host, "/"); err == nil || answer.StatusCode != 503 {
		t.Errorf("the canary has everybody: %v", answer)
	}
}

func TestRoutesWithoutAnEndpointHaveAFallback(t *testing.T) {
	r := start(t)
	fallback := func(route *model.Route) {
		route.Fallback = &model.Fallback{Backend: model.BackendRef{Backend: "prod/next:80"}}
		route.Balance.Sticky = &model.StickyCookie{}
	}
	spare := newPod(t, "spare")
	r.publish(with(besides(service(), spare), fallback))
	if name, cookies := r.who(); name != "spare" || len(cookies) != 0 {
		t.Errorf("went to %s with %v", name, cookies)
	}
	r.publish(with(besides(service(newPod(t, "a")), spare), fallback))
	if name, _ := r.who(); name != "a" {
		t.Errorf("went to %s though there is an endpoint", name)
	}
	failing := besides(service(), spare)
	failing.Backends[0].Endpoints = []model.Endpoint{{Address: refusing(t)}}
	r.publish(with(failing, fallback))
	if _, answer, _ := r.dial(host, "/"); answer == nil || answer.StatusCode != 502 {
		t.Errorf("an endpoint that fails is no reason for the fallback: %v", answer)
	}
	r.publish(with(besides(service()), fallback))
	if _, answer, _ := r.dial(host, "/"); answer == nil || answer.StatusCode != 503 {
		t.Errorf("got %v, want 503: the fallback has no endpoint either", answer)
	}
}

func TestAHashTemplateSaysWhatIsHashed(t *testing.T) {
	r := start(t)
	r.publish(with(service(pods(t, 5)...), func(r *model.Route) {
		r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashTemplate: "$http_x_tenant-$cookie_uid"}
	}))
	seen := map[string]bool{}
	for _, user := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		first, _ := r.who("X-Tenant: a", "Cookie: x=y; uid="+user)
		seen[first] = true
		for range 3 {
			if name, _ := r.who("X-Tenant: a", "Cookie: uid="+user); name != first {
				t.Errorf("user %s came to %s and %s", user, first, name)
			}
		}
	}
	if len(seen) < 2 {
		t.Errorf("all users are on %v", seen)
	}
}

func TestASubsetHasSomeEndpointsOfManyInTurn(t *testing.T) {
	r := start(t)
	all := pods(t, 6)
	subset := func(r *model.Route) {
		r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashOn: []model.HashOn{{Source: model.HashHeader, Name: "X-User"}}, Subset: 3}
	}
	r.publish(with(service(all...), subset))
	before := map[string]int{}
	for range 12 {
		name, _ := r.who("X-User: jo")
		before[name]++
	}
	if len(before) != 3 {
		t.Fatalf("sockets: %v", before)
	}
	for name, n := range before {
		if n != 4 {
			t.Errorf("%s has %d of 12", name, n)
		}
	}
	var gone string
	for gone = range before {
		break
	}
	r.publish(with(service(without(all, gone)...), subset))
	after := map[string]int{}
	for range 12 {
		name, _ := r.who("X-User: jo")
		after[name]++
	}
	kept := 0
	for name := range before {
		if after[name] > 0 {
			kept++
		}
	}
	if len(after) != 3 || kept != 2 {
		t.Errorf("%v became %v though only %s left", before, after, gone)
	}
}

func TestWeightsMayBeSharesOfWhatLives(t *testing.T) {
	r := start(t)
	split := func(old, next int, live bool) func(*model.Route) {
		return func(r *model.Route) {
			r.Backends = []model.BackendRef{{Backend: "prod/chat:80", Weight: old}, {Backend: "prod/next:80", Weight: next}}
			r.Balance.ByLiveSessions = live
		}
	}
	cfg := besides(service(newPod(t, "old")), newPod(t, "next"))
	r.publish(with(cfg, split(1, 0, false)))
	var early []*socket
	for range 20 {
		early = append(early, r.open(host, "/"))
	}
	r.publish(with(cfg, split(1, 1, true)))
	for i := range 20 {
		if name, _ := r.who(); name != "next" {
			t.Fatalf("socket %d went to %s though next has fewer", i, name)
		}
	}
	got := map[string]int{}
	for range 10 {
		name, _ := r.who()
		got[name]++
	}
	if got["old"] != 5 {
		t.Errorf("then sockets went to %v", got)
	}
	for _, s := range early {
		_ = s.Close()
	}
	eventually(t, "they are counted out", func() bool { return r.Table().View()[0].Sessions == 30 })
	for i := range 20 {
		if name, _ := r.who(); name != "old" {
			t.Fatalf("socket %d went to %s though old has fewer", i, name)
		}
	}
}

func TestACookieMayHoldItsClientThroughFailures(t *testing.T) {
	r := start(t)
	down, up := refusing(t), newPod(t, "up")
	cfg := service(up)
	cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: down})
	for _, mode := range []model.StickyMode{model.Persistent, model.Balanced} {
		r.publish(with(cfg, func(r *model.Route) { r.Balance.Sticky = &model.StickyCookie{Mode: mode, Stay: true} }))
		value := strconv.FormatUint(balance.Hash("prod/chat:80", down.String()), 16)
		if mode == model.Balanced {
			value = "" // a key that leads there: found by asking
			for i := 0; value == "" && i < 100; i++ {
				if _, _, err := r.dial(host, "/", "Cookie: FAIRLEAD=key"+strconv.Itoa(i)); err != nil {
					value = "key" + strconv.Itoa(i)
				}
			}
		}
		for range 3 {
			if _, answer, err := r.dial(host, "/", "Cookie: FAIRLEAD="+value); err == nil || answer.StatusCode != 502 || len(answer.Cookies()) != 0 {
				t.Errorf("%v: got %v, %v, want a 502 that leaves the cookie alone", mode, answer, err)
			}
		}
		r.publish(with(cfg, func(r *model.Route) { r.Balance.Sticky = &model.StickyCookie{Mode: mode} }))
		if name, set := r.who("Cookie: FAIRLEAD=" + value); name != "up" || (mode == model.Persistent) != (len(set) == 1) {
			t.Errorf("%v: came to %s with %v", mode, name, set)
		}
	}
}

func TestACookieMaySayWhenItExpires(t *testing.T) {
	r := start(t)
	r.publish(with(service(newPod(t, "a")), func(r *model.Route) {
		r.Balance.Sticky = &model.StickyCookie{MaxAge: time.Hour, Expires: 2 * time.Hour, SameSite: http.SameSiteNoneMode}
	}))
	_, cookies := r.who()
	if len(cookies) != 1 || cookies[0].MaxAge != 3600 {
		t.Fatalf("cookies: %v", cookies)
	}
	if left := time.Until(cookies[0].Expires); left < 119*time.Minute || left > 2*time.Hour {
		t.Errorf("it expires in %v", left)
	}
}
