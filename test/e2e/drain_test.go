package e2e_test

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestShutdownSaysGoodbyeOverAWindow: on SIGTERM readiness goes first, while new sockets are still taken; then each socket
// gets Close 1001, not all at once; then the process ends well.
func TestShutdownSaysGoodbyeOverAWindow(t *testing.T) {
	ns := namespace(t)
	apply(t, chatManifests, ns)
	apply(t, routeManifest, ns)
	const spread = 3 * time.Second
	f := startFairlead(t, "--drain-delay", "2s", "--drain-spread", spread.String())
	f.published(t, socketRoute(ns), func(r *route) error { return wanted(r.ready(), 4) })
	var all fleet
	for range 60 {
		all = append(all, open(t, "ws://"+socketHost(ns)+"/socket", f.http))
	}

	must(t, f.Signal(syscall.SIGTERM))
	eventually(t, 2*time.Second, "readiness is withdrawn", func() error {
		status, err := f.readiness()
		if err != nil {
			return err
		}
		return wanted(status, http.StatusServiceUnavailable)
	})
	all = append(all, open(t, "ws://"+socketHost(ns)+"/socket", f.http))
	if _, dead := all.alive(nil); dead != nil {
		t.Errorf("closed before the delay was over: %v", dead)
	}
	var ends []time.Time
	for _, s := range all {
		closed, err := s.goodbye(20 * time.Second)
		if err != nil {
			t.Error(err)
		} else if closed.Code != websocket.CloseGoingAway {
			t.Errorf("%v, want Close 1001", closed)
		}
		ends = append(ends, s.at)
	}
	slices.SortFunc(ends, time.Time.Compare)
	window := ends[len(ends)-1].Sub(ends[0])
	t.Logf("%d sockets were closed within %s", len(ends), window)
	// Of 61 sockets at random moments, all in half of the window: one in 2 to the 54th.
	if window < spread/2 {
		t.Errorf("all sockets were closed within %s; they should have been spread over %s", window, spread)
	}
	select {
	case <-f.Exited():
	case <-time.After(20 * time.Second):
		t.Error("fairlead does not end")
	}
}

// TestAKilledPodEndsItsSocketsOnly: a pod that vanishes without a word takes its sockets along, told as such, and no others.
func TestAKilledPodEndsItsSocketsOnly(t *testing.T) {
	ns := namespace(t)
	apply(t, chatManifests, ns)
	apply(t, routeManifest, ns)
	f := startFairlead(t)
	f.published(t, socketRoute(ns), func(r *route) error { return wanted(r.ready(), 4) })
	var all fleet
	for range 20 {
		all = append(all, open(t, "ws://"+socketHost(ns)+"/socket", f.http))
	}
	killed := all[0].pod
	must(t, node.Kill(ns, killed))
	for _, s := range all {
		if s.pod != killed {
			continue
		}
		// 1011, RFC 6455 section 7.4.1: the server met a condition that kept it from fulfilling the request.
		if closed, err := s.goodbye(20 * time.Second); err != nil {
			t.Error(err)
		} else if closed.Code != websocket.CloseInternalServerErr {
			t.Errorf("%v, want Close 1011", closed)
		}
	}
	f.published(t, socketRoute(ns), func(r *route) error { return wanted(r.ready(), 4) }) // the Deployment replaces it
	for _, s := range all {
		if s.pod != killed {
			if err := s.settle(10 * time.Second); err != nil {
				t.Error(err)
			}
		}
	}
}
