package handshake

import "testing"

func TestUpgradeNamesWhatTheClientAsksFor(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"a browser", opening, "websocket"},
		{"an ordinary request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"any case", "GET / HTTP/1.1\r\nHost: a\r\nconnection: UPGRADE\r\nupgrade: WebSocket\r\n\r\n", "websocket"},
		{"Upgrade that Connection does not name", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", ""},
		{"a longer word in Connection", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrades\r\nUpgrade: websocket\r\n\r\n", ""},
		{"Connection in two lines", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: x,upgrade\r\nUpgrade: websocket\r\n\r\n", "websocket"},
		{"websocket among others", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: spdy/3.1, , websocket\r\n\r\n", "websocket"},
		{"kubectl exec", "POST /exec HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n", "spdy/3.1"},
		{"h2c smuggling", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", ""},
		{"h2c in front of another", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: H2C, spdy/3.1\r\n\r\n", "spdy/3.1"},
		{"HTTP under other names", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0, TLS/1.0, h2\r\n\r\n", ""},
		{"no token", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a b, c/d/e, /f\r\n\r\n", ""},
		{"another upgrade with content", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 1\r\n\r\nx", ""},
		{"another upgrade in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Upgrade(request(t, c.raw, "192.0.2.1:1")); got != c.want {
				t.Errorf("Upgrade = %q, want %q", got, c.want)
			}
		})
	}
}
