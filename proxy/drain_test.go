package proxy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// quick drains fast enough for a test.
func quick(r *model.Route) {
	r.Drain = model.Drain{Deadline: model.Timeout(300 * time.Millisecond), Spread: model.Timeout(100 * time.Millisecond)}
}

func TestAPublishKeepsSocketsWhateverItChanges(t *testing.T) {
	r := start(t)
	a, b := newPod(t, "a"), newPod(t, "b")
	r.publish(with(service(a), quick))
	s := r.open(host, "/")
	for i, cfg := range []model.Config{
		with(service(a, b), quick),
		with(service(a), func(r *model.Route) { quick(r); r.Timeouts.Idle = model.Timeout(time.Minute) }),
		with(service(a), func(r *model.Route) { quick(r); r.ID = "wsr/prod/chat/renamed" }),
		with(service(a), func(r *model.Route) { quick(r); r.Backends = nil }), // sent elsewhere: kept
		with(service(a), func(r *model.Route) {
			quick(r)
			r.Matches = append(r.Matches, model.Match{Host: "more.example.com"})
		}),
	} {
		r.publish(cfg)
		if got := s.say("x"); got != "a: x" {
			t.Fatalf("after change %d: %q", i, got)
		}
	}
	not := with(service(a), quick)
	not.Backends[0].Endpoints[0].State = model.EndpointNotReady
	r.publish(not)
	time.Sleep(400 * time.Millisecond) // longer than the drain deadline: unready is not terminating
	if got := s.say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
	if _, answer, err := r.dial(host, "/"); err == nil || answer.StatusCode != 503 {
		t.Error("an unready endpoint got a new socket")
	}
}

func TestSocketsOfADeletedRouteAreClosedAndOthersLive(t *testing.T) {
	r := start(t)
	a := newPod(t, "a")
	both := with(service(a), quick)
	other := both.Routes[0]
	other.ID, other.Matches = "other", []model.Match{{Host: "other.example.com"}}
	both.Routes = append(both.Routes, other)
	r.publish(both)
	gone, stays := r.open(host, "/"), r.open("other.example.com", "/")
	both.Routes = []model.Route{other}
	r.publish(both)
	if code := gone.code(); code != 1001 {
		t.Errorf("closed with %d", code)
	}
	if got := stays.say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
	eventually(t, "the end is counted", func() bool {
		_, metrics := r.get("/metrics")
		return strings.Contains(metrics, `fairlead_sessions{backend="prod/chat:80",endpoint="`+a.address().String()+`",route="other"} 1`) &&
			!strings.Contains(metrics, `route="wsr/prod/chat/0"`)
	})
}

func TestSocketsOfATerminatingEndpointAreClosedBeforeItsDeadline(t *testing.T) {
	r := start(t)
	a, b := newPod(t, "a"), newPod(t, "b")
	r.publish(with(service(a), quick))
	s := r.open(host, "/")
	terminating := with(service(a, b), quick)
	terminating.Backends[0].Endpoints[0].State = model.EndpointTerminating
	r.publish(terminating)
	began := time.Now()
	if name, _ := r.who(); name != "b" {
		t.Error("a terminating endpoint got a new socket")
	}
	if code := s.code(); code != 1012 {
		t.Errorf("closed with %d", code)
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > 2*time.Second {
		t.Errorf("closed after %v, want 200 to 300 ms", took)
	}
}

func TestADrainThatIsTakenBackClosesNothing(t *testing.T) {
	r := start(t)
	a := newPod(t, "a")
	r.publish(with(service(a), quick))
	s := r.open(host, "/")
	gone := with(service(), quick)
	r.publish(gone)
	r.publish(with(service(a), quick)) // a flapping probe, a slice written anew
	time.Sleep(400 * time.Millisecond) // longer than the deadline would have been
	if got := s.say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
}

func TestWithoutADeadlineThePodDecides(t *testing.T) {
	r := start(t)
	a := newPod(t, "a")
	forever := func(r *model.Route) { r.Drain.Deadline = model.Off }
	r.publish(with(service(a), forever))
	s := r.open(host, "/")
	r.publish(with(service(), forever))
	time.Sleep(200 * time.Millisecond)
	if got := s.say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
}

func TestAShutdownSpreadsClosesAndEndsEarlyWhenEmpty(t *testing.T) {
	r := start(t, func(o *proxy.Options) {
		o.Drain = proxy.DrainOptions{Delay: 100 * time.Millisecond, Spread: 600 * time.Millisecond, Timeout: time.Minute}
	})
	r.publish(service(newPod(t, "a")))
	var sockets []*socket
	for range 40 {
		sockets = append(sockets, r.open(host, "/"))
	}
	r.stop()
	eventually(t, "readiness is withdrawn", func() bool { status, _ := r.get("/readyz"); return status == 503 })
	sockets = append(sockets, r.open(host, "/")) // load balancers need time to notice
	began := time.Now()
	ends := make(chan time.Duration, len(sockets))
	for _, s := range sockets {
		go func() {
			if code := s.code(); code != 1001 {
				t.Errorf("closed with %d", code)
			}
			ends <- time.Since(began)
		}()
	}
	var at []time.Duration
	for range sockets {
		at = append(at, <-ends)
	}
	slices.Sort(at)
	if spread := at[len(at)-1] - at[0]; spread < 300*time.Millisecond || spread > 3*time.Second {
		t.Errorf("closes came within %v: %v", spread, at)
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("an empty replica went on for %v", took)
	}
	r.ended <- nil // for the cleanup
	if _, err := http.Get("http://" + r.http()); err == nil {
		t.Error("still accepting")
	}
}

func TestANewSocketOfATerminatingEndpointHasItsTime(t *testing.T) {
	r := start(t)
	a := newPod(t, "a")
	terminating := with(service(a), func(r *model.Route) {
		r.Drain = model.Drain{Deadline: model.Timeout(600 * time.Millisecond), Spread: model.Timeout(100 * time.Millisecond)}
	})
	terminating.Backends[0].Endpoints[0].State = model.EndpointTerminating
	r.publish(terminating)
	time.Sleep(700 * time.Millisecond) // past the deadline of the sockets that it had
	began := time.Now()
	s := r.open(host, "/") // there is no other endpoint
	if got := s.say("x"); got != "a: x" {
		t.Errorf("heard %q", got)
	}
	if code := s.code(); code != 1012 {
		t.Errorf("closed with %d", code)
	}
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("closed after %v: its client would come back at once, again and again", took)
	}
}
