package table

import (
	"net/netip"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// limited is a route whose sessions are counted.
func limited(id, zone string, sessions int) model.Route {
	return model.Route{
		ID: id, Protocols: model.HTTP, Matches: []model.Match{{Host: id + ".example.com"}},
		Limits: model.Limits{Zone: zone, Sessions: sessions, PerClient: []model.Rate{{Events: sessions, Per: time.Minute}}},
	}
}

func after(t *testing.T, prev *Table, routes ...model.Route) *Table {
	t.Helper()
	return compile(t, model.Config{Routes: routes}, prev)
}

func zoneIn(t *Table, id string) *live.Zone { return t.routes[id].Policy.Zone() }

func TestWhatIsCountedOutlivesATable(t *testing.T) {
	first := after(t, nil, limited("a", "", 1), limited("b", "both", 1), limited("c", "both", 2), model.Route{ID: "d", Matches: []model.Match{{Host: "d"}}})
	a, both := zoneIn(first, "a"), zoneIn(first, "b")
	if a == both || zoneIn(first, "c") != both || zoneIn(first, "d") != nil {
		t.Fatal("who shares a zone counts together, and nobody else")
	}
	changed := after(t, first, limited("a", "", 7), limited("b", "both", 1), limited("e", "both", 3))
	if zoneIn(changed, "a") != a || zoneIn(changed, "b") != both || zoneIn(changed, "e") != both {
		t.Error("a change forgets what is counted")
	}
	renamed := limited("a2", "", 7)
	renamed.Matches = limited("a", "", 7).Matches
	if again := after(t, changed, renamed); zoneIn(again, "a2") != a {
		t.Error("a new name forgets what is counted")
	}
}

func TestAZoneIsKeptForAsLongAsItCounts(t *testing.T) {
	client := netip.MustParseAddr("192.0.2.1")
	first := after(t, nil, limited("a", "z", 1))
	z := zoneIn(first, "a")
	without := after(t, first) // a request that was matched before may still come
	hold, _ := z.Acquire(client, 1, 1)
	without = after(t, without)
	without = after(t, without)
	if again := after(t, without, limited("b", "z", 1)); zoneIn(again, "b") != z {
		t.Error("the zone was dropped while it counts")
	}
	hold.Release(client)
	if empty := after(t, without); len(empty.departed.zones)+len(empty.zones) != 0 {
		t.Error("the zone is kept for nothing")
	}
}

func TestARouteWithABadGuardIsSealedAndTheOthersServe(t *testing.T) {
	bad := limited("bad", "", 1)
	bad.Access.External = &model.ExternalAuth{URL: "http://auth/$unknown"}
	compiled, err := Compile(model.Config{Routes: []model.Route{bad, limited("good", "", 1)}}, nil)
	if err == nil || compiled.routes["bad"] == nil || compiled.routes["good"] == nil {
		t.Errorf("%v", err)
	}
	if _, err := Compile(model.Config{Routes: []model.Route{bad, limited("good", "", 1)}}, compiled); err == nil {
		t.Error("what is wrong is told once, and then never again")
	}
}

func TestNewEndpointsMakeNobodyLogInAgain(t *testing.T) {
	r := limited("a", "", 1)
	r.Access.Basic = &model.BasicAuth{Users: "joe:{PLAIN}x"}
	r.Backends = []model.BackendRef{{Backend: "prod/a:80", Weight: 1}}
	config := func(address string) model.Config {
		return model.Config{Routes: []model.Route{r}, Backends: []model.Backend{{Key: "prod/a:80",
			Endpoints: []model.Endpoint{{Address: netip.MustParseAddrPort(address)}}}}}
	}
	first := compile(t, config("192.0.2.1:80"), nil)
	second := compile(t, config("192.0.2.2:80"), first)
	if first.routes["a"] == second.routes["a"] || first.routes["a"].Policy != second.routes["a"].Policy {
		t.Error("what the route remembers of its users is forgotten")
	}
	r.Access.Basic = &model.BasicAuth{Users: "joe:{PLAIN}y"}
	if third := compile(t, config("192.0.2.2:80"), second); third.routes["a"].Policy == second.routes["a"].Policy {
		t.Error("an old password is still good")
	}
}
