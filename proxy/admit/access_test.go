package admit

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

func prefixes(networks ...string) (all []netip.Prefix) {
	for _, n := range networks {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}

func TestAddressesAreDeniedBeforeTheyAreAllowed(t *testing.T) {
	for _, c := range []struct {
		deny, allow []netip.Prefix
		client      string
		let         bool
	}{
		{nil, nil, "192.0.2.1", true},
		{nil, prefixes("192.0.2.0/24"), "192.0.2.1", true},
		{nil, prefixes("192.0.2.0/24"), "192.0.3.1", false},
		{prefixes("192.0.2.1/32"), prefixes("192.0.2.0/24"), "192.0.2.1", false},
		{prefixes("192.0.2.1/32"), nil, "192.0.2.2", true},
		{nil, prefixes("2001:db8::/32"), "2001:db8::1", true},
		{nil, prefixes("2001:db8::/32"), "192.0.2.1", false},
		{nil, prefixes("0.0.0.0/0"), "2001:db8::1", false},
		{nil, prefixes("::ffff:192.0.2.0/120"), "192.0.2.1", true}, // written in the other way
		{nil, prefixes("192.0.2.77/24"), "192.0.2.1", true},        // bits behind the mask
		{nil, prefixes("192.0.2.0/24"), "", false},                 // who is not known is not allowed
		{prefixes("192.0.2.0/24"), nil, "", true},
	} {
		s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: model.HTTP, Access: model.Access{Deny: c.deny, Allow: c.allow}})
		s.Client, _ = netip.ParseAddr(c.client)
		s.Request.Header.Set("X-Forwarded-For", "192.0.2.1") // what a header says counts for nothing
		if refusal := Admit(s); c.let != (refusal == nil) || refusal != nil && (refusal.Status != 403 || refusal.Reason != model.SourceRefused) {
			t.Errorf("%s, deny %v, allow %v: %v", c.client, c.deny, c.allow, refusal)
		}
	}
}

func TestAnyMayBeEnough(t *testing.T) {
	const right, wrong = "Basic c2hhOnNlc2FtZQ==", "Basic c2hhOng="
	allowed, denied, elsewhere := "192.0.2.1", "192.0.2.66", "198.51.100.1"
	for _, c := range []struct {
		client, authorization string
		service               int // 0: there is none
		any, all              int
	}{
		{allowed, right, 200, 0, 0},
		{allowed, "", 0, 0, 401},
		{allowed, wrong, 401, 0, 401},
		{elsewhere, right, 403, 0, 403},
		{elsewhere, wrong, 200, 0, 403},
		{elsewhere, "", 0, 401, 403},
		{elsewhere, "", 403, 401, 403},
		{elsewhere, wrong, 500, 500, 403},
		{denied, right, 0, 0, 403},
		{denied, wrong, 0, 401, 403},
	} {
		for _, any := range []bool{true, false} {
			access := model.Access{Allow: prefixes("192.0.2.0/24"), Deny: prefixes("192.0.2.66/32"), Basic: &model.BasicAuth{Users: sesame}, SatisfyAny: any}
			service := &service{answer: says(c.service)}
			if c.service != 0 {
				access.External = &model.ExternalAuth{URL: "http://auth/"}
			}
			s := visit(t, service, policy(t, model.Route{Protocols: model.HTTP, Access: access}))
			s.Client = netip.MustParseAddr(c.client)
			if c.authorization != "" {
				s.Request.Header.Set("Authorization", c.authorization)
			}
			want, got := c.all, 0
			if any {
				want = c.any
			}
			if refusal := Admit(s); refusal != nil {
				got = refusal.Status
			}
			if got != want {
				t.Errorf("%+v, any %v: %d", c, any, got)
			}
		}
	}
}

func TestNotToBeDeniedIsNotEnough(t *testing.T) {
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: model.HTTP, Access: model.Access{
		Deny: prefixes("192.0.2.66/32"), Basic: &model.BasicAuth{Users: sesame}, SatisfyAny: true,
	}})
	s.Client = netip.MustParseAddr("192.0.2.1")
	if refusal := Admit(s); refusal == nil || refusal.Status != http.StatusUnauthorized {
		t.Errorf("got %v", refusal)
	}
}

func TestOriginsCountWhateverElseVouches(t *testing.T) {
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: model.WebSocket, Access: model.Access{
		Allow: prefixes("192.0.2.0/24"), Basic: &model.BasicAuth{Users: sesame}, SatisfyAny: true, Origins: []string{"https://a"},
	}})
	s.Client, s.Upgrade = netip.MustParseAddr("192.0.2.1"), websocket
	s.Request.Header.Set("Origin", "https://evil")
	if refusal := Admit(s); refusal == nil || refusal.Reason != model.OriginRefused {
		t.Errorf("got %v", refusal)
	}
}

func TestChallengesNeedNoPasswordOnRoutesOfTheirOwn(t *testing.T) {
	const token = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA"
	exact := model.Match{Path: model.PathMatch{Type: model.Exact, Value: token}}
	prefix := model.Match{Path: model.PathMatch{Value: "/.well-known/acme-challenge"}}
	regex := model.Match{Path: model.PathMatch{Type: model.RegularExpression, Value: "(?i)" + token}}
	for name, c := range map[string]struct {
		matches []model.Match
		path    string
		free    bool
	}{
		"one challenge":              {[]model.Match{exact}, token, true},
		"all challenges":             {[]model.Match{prefix}, token, true},
		"one as an expression":       {[]model.Match{regex}, token, true},
		"another path below":         {[]model.Match{prefix}, "/.well-known/acme-challenge/../../admin", false},
		"something that is no token": {[]model.Match{prefix}, "/.well-known/acme-challenge/a/b", false},
		"a route for everything":     {[]model.Match{{}}, token, false},
		"a route for more":           {[]model.Match{prefix, {Path: model.PathMatch{Value: "/admin"}}}, token, false},
		"an expression for more": {[]model.Match{{Path: model.PathMatch{Type: model.RegularExpression,
			Value: "/.well-known/acme-challenge/x|/admin"}}}, token, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{
				Protocols: model.HTTP, RedirectHTTPS: true, Matches: c.matches, Access: model.Access{Basic: &model.BasicAuth{}},
			})
			s.Request.URL.Path = c.path
			s.Secure = c.path != token
			if refusal := Admit(s); c.free != (refusal == nil) {
				t.Errorf("got %v", refusal)
			}
		})
	}
}

func TestLimitsCountWhoeverComes(t *testing.T) {
	limits := model.Limits{
		PerClient: []model.Rate{{Events: 1, Per: time.Hour, Burst: 1}}, Rates: []model.Rate{{Events: 1, Per: time.Hour, Burst: 4}},
		Exempt: prefixes("192.0.2.9/32"),
	}
	p := policy(t, model.Route{Protocols: model.HTTP, Limits: limits, Access: model.Access{Basic: &model.BasicAuth{Users: sesame}}})
	ask := func(client string) int {
		s := &Subject{Request: request(t, "GET / HTTP/1.1", "a"), Policy: p, Client: netip.MustParseAddr(client)}
		refusal := Admit(s)
		if refusal.Status == http.StatusServiceUnavailable && (refusal.Reason != model.TooManyRequests || refusal.Header["Retry-After"] != "3600") {
			t.Errorf("got %v %v", refusal, refusal.Header)
		}
		return refusal.Status
	}
	for i, want := range []int{401, 401, 503, 503, 503} { // who comes too often takes nothing from the others
		if got := ask("192.0.2.1"); got != want {
			t.Errorf("%d: %d", i, got)
		}
	}
	for i, want := range []int{401, 401, 401, 503} { // who is exempt counts for all, and not for himself
		if got := ask("192.0.2.9"); got != want {
			t.Errorf("exempt, %d: %d", i, got)
		}
	}
}

func TestARateThatIsNoneSealsTheRoute(t *testing.T) {
	for _, rate := range []model.Rate{{Events: 0, Per: time.Second}, {Events: 1}, {Events: 1, Per: time.Second, Burst: -1}} {
		r := model.Route{Protocols: model.HTTP, Limits: model.Limits{Rates: []model.Rate{rate}}}
		p := NewPolicy(&r, live.NewZone())
		err := p.Err()
		if err == nil {
			t.Errorf("%v is a rate", rate)
		}
		if refusal := Admit(&Subject{Request: request(t, "GET / HTTP/1.1", "a"), Policy: p}); refusal == nil || refusal.Reason != model.Sealed {
			t.Errorf("%v: %v", rate, refusal)
		}
	}
}

func TestRoutesThatAskNothingCostNothing(t *testing.T) {
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: model.HTTP | model.WebSocket})
	header := http.Header{"X-A": {"b"}}
	if n := testing.AllocsPerRun(100, func() {
		if Admit(s) != nil || s.EditsRequest() || s.Policy.Waits() {
			t.Fatal("asked for something")
		}
		s.Dress(header)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
