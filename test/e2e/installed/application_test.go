package installed_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestRollingRestartOfTheApplication: all pods are replaced while users have open sockets. Every socket ends with a Close frame, and no
// handshake is refused on the way back.
func TestRollingRestartOfTheApplication(t *testing.T) {
	tests := []struct {
		name, ns string
		code     int
		change   []string // of manifests/chat.yaml
		drain    string   // annotation
	}{
		{"pods say goodbye", "rolling", 1001, nil, ""},
		// These hold their sockets for longer than the route wants: Fairlead says goodbye, within a window of two seconds.
		{"Fairlead says goodbye for pods", "drained", 1012, []string{"--linger=3s", "--linger=10s"}, "fairlead.dev/drain-deadline: 4s\n    fairlead.dev/drain-spread: 2s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := installed(t)
			ns := namespace(t, test.ns)
			chat(t, ns, test.change...)
			annotations := []string{"fairlead.dev/idle-timeout: 2h", "fairlead.dev/idle-timeout: 2h\n    " + test.drain}
			apply(t, ns, "ingress.yaml", annotations...)
			f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 100})

			began := time.Now()
			old := names(t, ns, "pods", "--selector", "app=chat")
			kubectl(t, "rollout", "restart", "--namespace", ns, "deployment/chat")
			rolledOut(t, ns, "deployment/chat")
			must(t, f.Until(within(t, time.Minute), func(places []fleet.Place) error {
				for _, p := range places {
					if !p.Open || slices.Contains(old, p.Pod) {
						return errNotYet
					}
				}
				return nil
			}))
			report := settled(t, f, "rolling restart, "+test.name, began)
			noneRefused(t, report, began)
			onlyEnds(t, report, began, func(e fleet.End) bool {
				return slices.Contains(old, e.Pod) && e.How == fleet.Closed && e.Code == test.code
			})
			backWithin(t, report, 2*time.Second)
		})
	}
}
