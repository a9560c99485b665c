package front

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy"
)

// client is where clients come from; everything else comes from 127.0.0.1.
const client = "127.0.0.7"

func expectsPrefaces(o *proxy.Options) { o.ProxyProtocol = append(o.ProxyProtocol, local) }

func trustsHeaders(o *proxy.Options) { o.TrustedProxies = append(o.TrustedProxies, local) }

func TestAClientBehindHAProxyIsWhoThePrefaceNames(t *testing.T) {
	for _, send := range []string{"send-proxy", "send-proxy-v2"} {
		t.Run(send, func(t *testing.T) {
			r := startReplica(t, "", expectsPrefaces)
			plain := startHAProxy(t, "1m", "server one "+r.http+" "+send)
			secure := startHAProxy(t, "1m", "server one "+r.https+" "+send)
			for _, url := range []string{"ws://" + plain, "wss://" + secure} {
				if s := open(t, client, url); s.told != client || !s.echoes("hello") {
					t.Errorf("%s: the endpoint is told of %q, not of %s", url, s.told, client)
				}
			}
		})
	}
}

func TestWithoutAPrefaceTheClientIsHAProxy(t *testing.T) {
	r := startReplica(t, "")
	if s := open(t, client, "ws://"+startHAProxy(t, "1m", "server one "+r.http)); s.told != "127.0.0.1" {
		t.Errorf("the endpoint is told of %q", s.told)
	}
}

// A mistake that is made on one side only: HAProxy says PROXY, and Fairlead was not told.
func TestAPrefaceThatNobodyExpectsIsNoHTTP(t *testing.T) {
	r := startReplica(t, "")
	plain := startHAProxy(t, "1m", "server one "+r.http+" send-proxy-v2")
	if _, err := dial(t, client, "ws://"+plain); err == nil || !strings.Contains(err.Error(), "400 Bad Request") {
		t.Errorf("in the clear: %v, want 400", err)
	}
	secure := startHAProxy(t, "1m", "server one "+r.https+" send-proxy-v2")
	if _, err := dial(t, client, "wss://"+secure); err == nil {
		t.Error("over TLS a socket opened")
	} else {
		t.Log(err)
	}
}

// The other one: Fairlead expects it, and HAProxy was not told.
func TestWithoutTheExpectedPrefaceNobodyIsServed(t *testing.T) {
	r := startReplica(t, "", expectsPrefaces)
	for _, url := range []string{"ws://" + startHAProxy(t, "1m", "server one "+r.http), "wss://" + startHAProxy(t, "1m", "server one "+r.https)} {
		if _, err := dial(t, client, url); err == nil {
			t.Errorf("%s: a socket opened", url)
		} else {
			t.Log(err)
		}
	}
	if r.log.line("level=WARN", "must send the PROXY protocol did not", "peer=127.0.0.1") == "" {
		t.Error("nobody was told why")
	}
}

func TestAClientBehindNginxIsWhoTheHeaderNames(t *testing.T) {
	r := startReplica(t, "", trustsHeaders)
	front := startNginx(t, r.http, "")
	if s := open(t, client, "ws://"+front); !strings.HasPrefix(s.told, client) {
		t.Errorf("the endpoint is told of %q, not of %s first", s.told, client)
	}
}

// What a client writes itself is not believed: the last address that no trusted proxy has counts.
func TestAForgedHeaderChangesNobody(t *testing.T) {
	onlyNginx := func(o *proxy.Options) { o.TrustedProxies = append(o.TrustedProxies, loopback) }
	r := startReplica(t, `fairlead.dev/allow-cidrs: "127.0.0.7/32"`, onlyNginx)
	front := startNginx(t, r.http, "")
	if _, err := dial(t, "127.0.0.8", "ws://"+front, "X-Forwarded-For", client); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("somebody else who says to be %s: %v, want 403", client, err)
	}
	if s := open(t, client, "ws://"+front, "X-Forwarded-For", "192.0.2.1"); !s.echoes("hello") {
		t.Error("the client itself is not served")
	}
}

// The mistake here: nobody told Fairlead that nginx may be believed.
func TestAHeaderOfWhomNobodyTrustsIsReplaced(t *testing.T) {
	r := startReplica(t, "")
	if s := open(t, client, "ws://"+startNginx(t, r.http, "")); s.told != "127.0.0.1" {
		t.Errorf("the endpoint is told of %q", s.told)
	}
}
