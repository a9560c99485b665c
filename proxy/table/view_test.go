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
