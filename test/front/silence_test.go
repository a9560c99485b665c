package front

import (
	"testing"
	"time"
)

// silence is when both cut a socket through which nothing goes.
const silence = 2 * time.Second

// fronts are balancers that cut after silence, before an address.
var fronts = []struct {
	name  string
	start func(t *testing.T, behind string) string
}{
	{"nginx", func(t *testing.T, behind string) string { return startNginx(t, behind, "proxy_read_timeout 2s;") }},
	{"haproxy", func(t *testing.T, behind string) string { return startHAProxy(t, "2s", "server one "+behind) }},
}

// What stands in front has an idle timeout too, and whoever has the shortest cuts.
func TestABalancerInFrontCutsSilentSockets(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := startReplica(t, "")
			s := open(t, client, "ws://"+f.start(t, r.http))
			begun := time.Now()
			select {
			case <-s.over:
			case <-time.After(patience):
				t.Fatal("it was never cut")
			}
			if lived := time.Since(begun); lived < silence/2 {
				t.Errorf("it was cut after %v already", lived)
			}
			until(t, "Fairlead says who ended it", func() bool {
				return r.log.line("session ended", "reason=Lost", "side=client") != ""
			})
		})
	}
}

// Pings of Fairlead that come more often than that keep it.
func TestKeepaliveOutlivesTheTimeoutOfABalancer(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := startReplica(t, "fairlead.dev/keepalive-interval: 1s, fairlead.dev/keepalive-peers: client")
			s := open(t, client, "ws://"+f.start(t, r.http))
			select { // nothing to wait for: it is time that must not change anything
			case <-s.over:
				t.Fatalf("it was cut: %v", s.err)
			case <-time.After(3 * silence):
			}
			if !s.echoes("still here") {
				t.Error("it does not live any more")
			}
		})
	}
}
