package proxy_test

import (
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// TestOneFindsOutForAll: an endpoint from which nothing comes, not even a refusal, holds up the first client that is sent there,
// and not every client whose turn, hash, cookie or count of sessions leads there.
func TestOneFindsOutForAll(t *testing.T) {
	const connect = 300 * time.Millisecond
	for name, change := range map[string]func(*model.Route){
		"in turn":        func(*model.Route) {},
		"least sessions": func(r *model.Route) { r.Balance.Algorithm = model.LeastSessions },
		"hash": func(r *model.Route) {
			r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashOn: []model.HashOn{{Source: model.HashPath}}}
		},
		"subset": func(r *model.Route) {
			r.Balance = model.Balance{Algorithm: model.ConsistentHash, HashTemplate: "$uri", Subset: 2}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			cfg := service(newPod(t, "lit"))
			cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: crowded(t)})
			r.publish(with(with(cfg, change), func(r *model.Route) { r.Timeouts.Connect = model.Timeout(connect) }))
			slow := 0
			for range 8 { // sockets stay open, so that fewest sessions are always elsewhere
				began := time.Now()
				if name, _ := r.who(); name != "lit" {
					t.Errorf("came to %q", name)
				}
				if time.Since(began) >= connect {
					slow++
				}
			}
			if slow > 1 {
				t.Errorf("%d of 8 clients had to wait", slow)
			}
			began := time.Now()
			for range 4 {
				if status, body := r.get("/"); status != 200 {
					t.Errorf("%d %s", status, body)
				}
			}
			if took := time.Since(began); slow == 1 && took >= connect {
				t.Errorf("plain requests had to wait too: %s", took)
			}
		})
	}
}

// TestAnEndpointThatIsAloneIsTriedInAnyCase: it may have come back.
func TestAnEndpointThatIsAloneIsTriedInAnyCase(t *testing.T) {
	r := start(t)
	impatient := func(r *model.Route) { r.Timeouts.Connect = model.Timeout(50 * time.Millisecond) }
	r.publish(with(at(crowded(t)), impatient))
	for range 3 {
		_, answer, err := r.dial(host, "/")
		if err == nil || answer.StatusCode != 504 {
			t.Errorf("got %v, %v", answer, err)
		}
	}
}
