package model

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestATimeoutHasThreeStates(t *testing.T) {
	for _, c := range []struct {
		timeout Timeout
		want    time.Duration
		text    string
	}{
		{0, time.Minute, `""`},
		{Off, 0, `"off"`},
		{Timeout(2 * time.Hour), 2 * time.Hour, `"2h0m0s"`},
	} {
		if got := c.timeout.Or(time.Minute); got != c.want {
			t.Errorf("%q is %v, want %v", c.timeout, got, c.want)
		}
		if text, err := json.Marshal(c.timeout); err != nil || string(text) != c.text {
			t.Errorf("%v is written %s, %v", c.want, text, err)
		}
	}
}

func TestAKeepaliveThatWouldFloodIsRefused(t *testing.T) {
	for _, c := range []struct {
		keepalive Keepalive
		says      string
	}{
		{Keepalive{}, ""},
		{Keepalive{Interval: Off, Timeout: Off}, ""},
		{Keepalive{Interval: Timeout(time.Second), Timeout: Timeout(100 * time.Millisecond)}, ""},
		{Keepalive{Interval: Timeout(999 * time.Millisecond)}, "write 1s or more, or 0s"},
		{Keepalive{Timeout: Timeout(99 * time.Millisecond)}, "write 100ms or more, or 0s"},
		{Keepalive{Interval: 1, Timeout: Off}, "a Ping every 1ns would be a flood"},
	} {
		err := c.keepalive.Validate()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.keepalive, err, c.says)
		}
	}
}

func TestWhoGetsPings(t *testing.T) {
	for _, c := range []struct {
		peers            Peers
		client, endpoint bool
		text             string
	}{
		{0, true, true, `{}`}, // unset: both
		{PeersClient, true, false, `{"peers":"Client"}`},
		{PeersEndpoint, false, true, `{"peers":"Backend"}`},
	} {
		if client, endpoint := c.peers.Has(ByClient), c.peers.Has(ByEndpoint); client != c.client || endpoint != c.endpoint {
			t.Errorf("%s: the client %t, the endpoint %t", c.peers, client, endpoint)
		}
		if c.peers.Has(ByProxy) {
			t.Errorf("%s: the proxy pings itself", c.peers)
		}
		if text, err := json.Marshal(Keepalive{Peers: c.peers}); err != nil || string(text) != c.text {
			t.Errorf("%s is written %s, %v; want %s", c.peers, text, err, c.text)
		}
	}
}

func TestAPathIsJudgedByTheCodeThatRunsIt(t *testing.T) {
	for _, c := range []struct {
		path PathMatch
		says string
	}{
		{PathMatch{}, ""},
		{PathMatch{Value: "/a"}, ""},
		{PathMatch{Type: Exact, Value: "a"}, `path "a" must start with /`},
		{PathMatch{Type: RegularExpression, Value: "(?i)/a|/b"}, ""},
		{PathMatch{Type: RegularExpression, Value: "/a("}, "missing closing )"},
		{PathMatch{Type: RegularExpression, Value: "/a)|(/b"}, "unexpected )"},
		{PathMatch{Type: RegularExpression, Value: "/(?!x)"}, "no look-around"},
	} {
		err := c.path.Validate()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v %q: %v, want %q", c.path.Type, c.path.Value, err, c.says)
		}
	}
	re, err := PathMatch{Type: RegularExpression, Value: "/a|/b"}.Regexp()
	if err != nil || re.MatchString("/x/b") || !re.MatchString("/bc") {
		t.Error("an alternative escapes the anchor")
	}
}

func TestARefusalKeepsItsCauseForTheLog(t *testing.T) {
	cause := errors.New("connection refused")
	r := &Refusal{Reason: ConnectFailed, Detail: "no endpoint took the connection", Err: cause}
	if !errors.Is(r, cause) || r.Error() != "ConnectFailed: no endpoint took the connection: connection refused" {
		t.Error(r)
	}
}

func TestEveryNameIsPrinted(t *testing.T) {
	for _, s := range []string{
		EndpointTerminated.String(), Prefix.String(), LeastSessions.String(), HashURI.String(), Balanced.String(),
		PeersBoth.String(),
	} {
		if s == "" {
			t.Error("a name is empty")
		}
	}
}
