package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// who opens a socket and returns the name of the endpoint that answers, and the cookies set.
func (r *replica) who(header ...string) (string, []*http.Cookie) {
	r.t.Helper()
	s := r.open(host, "/", header...)
	name, _, _ := strings.Cut(s.say("x"), ":")
	return name, s.answer.Cookies()
}

func pods(t *testing.T, n int) []*pod {
	t.Helper()
	var list []*pod
	for i := range n {
		list = append(list, newPod(t, fmt.Sprint("pod-", i)))
	}
	return list
}

func TestSocketsAreSharedOutEvenly(t *testing.T) {
	r := start(t)
	r.publish(service(pods(t, 3)...))
	got := map[string]int{}
	for range 30 {
		name, _ := r.who()
		got[name]++
	}
	if got["pod-0"] != 10 || got["pod-1"] != 10 || got["pod-2"] != 10 {
		t.Errorf("sockets: %v", got)
	}
}

func TestANewEndpointIsFilledUpFirst(t *testing.T) {
	r := start(t)
	all := pods(t, 3)
	least := func(r *model.Route) { r.Balance.Algorithm = model.LeastSessions }
	r.publish(with(service(all[:2]...), least))
	for range 10 {
		r.who()
	}
	r.publish(with(service(all...), least))
	for i := range 5 {
		if name, _ := r.who(); name != "pod-2" {
			t.Errorf("socket %d went to %s though pod-2 is emptier", i, name)
		}
	}
}

func TestAUserStaysOnOneEndpointByHash(t *testing.T) {
	all := pods(t, 5)
	hash := func(on ...model.HashOn) func(r *model.Route) {
		return func(r *model.Route) { r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashOn: on} }
	}
	r := start(t)
	byHeader := hash(model.HashOn{Source: model.HashCookie, Name: "uid"}, model.HashOn{Source: model.HashHeader, Name: "X-User"})
	r.publish(with(service(all...), byHeader))
	before := map[string]string{}
	for i := range 20 {
		user := fmt.Sprint("X-User: ", i)
		before[user], _ = r.who(user)
		if again, _ := r.who(user); again != before[user] {
			t.Errorf("%s went to %s and %s", user, before[user], again)
		}
		if cookie, _ := r.who(user, "Cookie: uid=same"); i > 0 && cookie != before["cookie"] && before["cookie"] != "" {
			t.Error("the first of the list does not count")
		} else {
			before["cookie"] = cookie
		}
	}
	delete(before, "cookie")
	r.publish(with(service(all[1:]...), byHeader))
	for user, name := range before {
		if now, _ := r.who(user); name != "pod-0" && now != name {
			t.Errorf("%s moved from %s to %s though only pod-0 left", user, name, now)
		}
	}
	r.publish(with(service(all...), hash(model.HashOn{Source: model.HashSourceIP})))
	first, _ := r.who()
	for range 5 {
		if name, _ := r.who(); name != first {
			t.Error("one address, two endpoints")
		}
	}
}

func TestAStickyCookieComesWithThe101(t *testing.T) {
	for _, mode := range []model.StickyMode{model.Persistent, model.Balanced} {
		t.Run(mode.String(), func(t *testing.T) {
			all := pods(t, 4)
			sticky := func(r *model.Route) {
				r.Balance.Sticky = &model.StickyCookie{Name: "ROUTE", Mode: mode, SameSite: http.SameSiteLaxMode}
			}
			r := start(t)
			r.publish(with(service(all...), sticky))
			name, cookies := r.who()
			if len(cookies) != 1 || cookies[0].Name != "ROUTE" || !cookies[0].HttpOnly || cookies[0].Path != "/" || cookies[0].Secure {
				t.Fatalf("cookies: %v", cookies)
			}
			if strings.Contains(cookies[0].Value, "127.0.0.1") {
				t.Error("the cookie tells the endpoint's address")
			}
			cookie := "Cookie: ROUTE=" + cookies[0].Value
			for range 6 {
				again, set := r.who(cookie)
				if again != name || len(set) != 0 {
					t.Errorf("came to %s instead of %s, %v", again, name, set)
				}
			}
			// Its endpoint goes: another one, and in Persistent mode another cookie.
			var left []*pod
			for _, p := range all {
				if p.name != name {
					left = append(left, p)
				}
			}
			r.publish(with(service(left...), sticky))
			now, set := r.who(cookie)
			if now == name || (len(set) == 1) != (mode == model.Persistent) {
				t.Errorf("came to %s with %v", now, set)
			}
		})
	}
}

func TestWeightsShareSocketsBetweenBackends(t *testing.T) {
	old, next := newPod(t, "old"), newPod(t, "next")
	cfg := service(old)
	cfg.Backends = append(cfg.Backends, model.Backend{Key: "next", Endpoints: []model.Endpoint{{Address: next.address()}}})
	cfg.Routes[0].Backends = []model.BackendRef{{Backend: "prod/chat:80", Weight: 9}, {Backend: "next", Weight: 1}}
	r := start(t)
	r.publish(cfg)
	got := map[string]int{}
	for range 50 {
		name, _ := r.who()
		got[name]++
	}
	if got["next"] < 4 || got["next"] > 6 {
		t.Errorf("sockets: %v", got)
	}
	// A backend without endpoints gives its share to the others.
	cfg.Backends = []model.Backend{{Key: "prod/chat:80"}, cfg.Backends[1]}
	r.publish(cfg)
	if name, _ := r.who(); name != "next" {
		t.Errorf("went to %s", name)
	}
}
