package annotations

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

const (
	typeDuration = "duration"
	typeBool     = "true or false"
	typeSeconds  = "seconds"
)

var (
	algorithms = []option[model.Algorithm]{
		{"round-robin", model.RoundRobin}, {"least-sessions", model.LeastSessions}, {"consistent-hash", model.ConsistentHash},
	}
	stickyModes = []option[model.StickyMode]{{"persistent", model.Persistent}, {"balanced", model.Balanced}}
	sameSites   = []option[http.SameSite]{
		{"Lax", http.SameSiteLaxMode}, {"Strict", http.SameSiteStrictMode}, {"None", http.SameSiteNoneMode},
	}
	peers            = []option[model.Peers]{{"both", model.PeersBoth}, {"client", model.PeersClient}, {"backend", model.PeersEndpoint}}
	protocolWords    = []option[model.Protocols]{{"WebSocket", model.WebSocket}, {"HTTP", model.HTTP}}
	backendProtocols = []option[model.Scheme]{
		{"http", model.Plain}, {"ws", model.Plain}, {"https", model.Secure}, {"wss", model.Secure},
	}
	redirects = []option[Redirect]{{"true", RedirectWithTLS}, {"false", RedirectNever}, {"always", RedirectAlways}}
)

// ourRows stand last in the table, because they win. hash-on stands before balance, so that an
// algorithm that is named outright counts more than the one that a hash key implies.
var ourRows = prefixed(OurPrefix, []Row{
	{
		Name: "protocols", Type: "list of WebSocket, HTTP", Default: "WebSocket, HTTP", Example: "WebSocket",
		Doc:  "What the paths serve. Without HTTP, plain requests are answered 426.",
		sets: []string{"Protocols"}, parse: protocols,
	}, {
		Name: "connect-timeout", Type: typeDuration, Default: "5s", Example: "2s",
		Doc:  "Longest time for the TCP connection, and TLS if any, to one endpoint.",
		sets: []string{"Timeouts.Connect"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Connect = t }),
	}, {
		Name: "handshake-timeout", Type: typeDuration, Default: "10s", Example: "30s",
		Doc:  "Longest time from the end of the request to the head of the endpoint's answer; then the client gets 504.",
		sets: []string{"Timeouts.Handshake"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Handshake = t }),
	}, {
		Name: "idle-timeout", Type: typeDuration, Default: "1h", Example: "2h",
		Doc:  "Ends a session after this long without a byte in either direction. A Ping that one end sends to the other counts; a Ping of keepalive-interval and its answer don't.",
		sets: []string{"Timeouts.Idle"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Idle = t }),
	}, {
		Name: "stall-timeout", Type: typeDuration, Default: "1m", Example: "20s",
		Doc:  "Ends a session when one side has taken no byte for this long although some wait for it.",
		sets: []string{"Timeouts.Stall"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Stall = t }),
	}, {
		Name: "max-age", Type: typeDuration, Default: "off", Example: "12h",
		Doc:  "Ends a session at this age with Close 1001, so that clients connect anew and spread over new endpoints.",
		sets: []string{"Timeouts.MaxAge"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.MaxAge = t }),
	}, {
		Name: "max-age-jitter", Type: "percent, 0 to 100", Default: "10", Example: "25",
		Doc:  "Shortens or lengthens max-age by up to this much, at random for each session.",
		sets: []string{"Timeouts.MaxAgeJitter"}, parse: whole(0, 100, func(d *draft, n int) { d.Timeouts.MaxAgeJitter = &n }),
	}, {
		Name: "close-timeout", Type: typeDuration, Default: "5s", Example: "3s",
		Doc:  "Longest time that the other end may take to answer a Close frame that the proxy sent.",
		sets: []string{"Timeouts.Close"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Close = t }),
	}, {
		Name: "keepalive-interval", Type: typeDuration, Default: "off", Example: "30s",
		Doc:  "Sends a Ping to a side of a WebSocket session from which nothing has come for this long, at least 1s; a side that sends anything gets none. The answer goes no further than Fairlead.",
		sets: []string{"Keepalive.Interval"}, parse: keepalive(ours(func(d *draft, t model.Timeout) { d.Keepalive.Interval = t })),
	}, {
		Name: "keepalive-timeout", Type: typeDuration, Default: "10s", Example: "5s",
		Doc:  "Drops a side from which nothing has come for this long after a Ping, at least 100ms; the other side gets Close 1011. off: nobody is dropped.",
		sets: []string{"Keepalive.Timeout"}, parse: keepalive(ours(func(d *draft, t model.Timeout) { d.Keepalive.Timeout = t })),
	}, {
		Name: "keepalive-peers", Type: "both, client or backend", Default: "both", Example: "client",
		Doc:  "Who gets Pings.",
		sets: []string{"Keepalive.Peers"}, parse: choice(peers, func(d *draft, p model.Peers) { d.Keepalive.Peers = p }),
	}, {
		Name: "hash-on", Type: "list of header:NAME, cookie:NAME, query-param:NAME, source-ip, host, path, uri", Default: "none", Example: "cookie:uid, source-ip",
		Doc:  "What consistent-hash hashes, 1 to 8 parts: the first that a request has counts. It implies balance consistent-hash.",
		sets: []string{"Balance.HashOn", "Balance.Algorithm"}, parse: hashOn,
	}, {
		Name: "balance", Type: "round-robin, least-sessions or consistent-hash", Default: "round-robin", Example: "least-sessions",
		Doc:  "How an endpoint is chosen for a new session. consistent-hash needs hash-on.",
		sets: []string{"Balance.Algorithm"}, parse: choice(algorithms, func(d *draft, a model.Algorithm) { d.Balance.Algorithm = a }),
	}, {
		Name: "sticky-cookie", Type: "cookie name, or off", Default: "off", Example: "FAIRLEAD",
		Doc:  "A cookie of this name sends a client back to its endpoint; it is set on every answer, the 101 too, and wins over balance.",
		sets: []string{"StickyOn", "Sticky.Name"}, parse: stickyCookie,
	}, {
		Name: "sticky-cookie-path", Type: "path", Default: "/", Example: "/socket", needsCookie: true,
		Doc:  "Path below which clients send the cookie.",
		sets: []string{"Sticky.Path"}, parse: cookiePath,
	}, {
		Name: "sticky-cookie-max-age", Type: typeDuration, Default: "0s, a session cookie", Example: "24h", needsCookie: true,
		Doc:  "How long clients keep the cookie.",
		sets: []string{"Sticky.MaxAge"}, parse: stickyMaxAge,
	}, {
		Name: "sticky-cookie-same-site", Type: "Lax, Strict or None", Default: "Lax", Example: "Strict", needsCookie: true,
		Doc:  "Which requests from other sites bring the cookie. Browsers take None over TLS only.",
		sets: []string{"SameSite"}, parse: choice(sameSites, func(d *draft, s http.SameSite) { d.SameSite = &s }),
	}, {
		Name: "sticky-cookie-mode", Type: "persistent or balanced", Default: "persistent", Example: "balanced", needsCookie: true,
		Doc:  "persistent: the cookie names the endpoint. balanced: it is a random hash key, and new endpoints get their fair share of returning clients.",
		sets: []string{"StickyMode"}, parse: choice(stickyModes, func(d *draft, m model.StickyMode) { d.StickyMode = &m }),
	}, {
		Name: "drain-deadline", Type: typeDuration, Default: "30s", Example: "5m",
		Doc:  "How long sessions may stay on an endpoint that began to terminate. off: the pod decides.",
		sets: []string{"Drain.Deadline"}, parse: ours(func(d *draft, t model.Timeout) { d.Drain.Deadline = t }),
	}, {
		Name: "drain-spread", Type: typeDuration, Default: "10s", Example: "20s",
		Doc:  "Window before the deadline over which closes are spread, so that clients don't come back all at once; at most the deadline.",
		sets: []string{"Drain.Spread"}, parse: ours(func(d *draft, t model.Timeout) { d.Drain.Spread = t }),
	}, {
		Name: "drain-close-code", Type: "close code", Default: "1012", Example: "1001",
		Doc:  "Close code (RFC 6455 section 7.4) for clients of a draining endpoint: 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999.",
		sets: []string{"Drain.CloseCode"}, parse: closeCode,
	}, {
		Name: "use-regex", Type: typeBool, Default: "false", Example: "true",
		Doc:  "Makes every path of the host a case-insensitive regular expression (RE2), matched from the beginning; the longest expression counts.",
		sets: []string{"UseRegex"}, parse: boolean(func(d *draft, b bool) { d.UseRegex = b }),
	}, {
		Name: "rewrite-target", Type: "path with $1 to $9", Default: "the path stays", Example: "/$2",
		Doc:  "New path of a request; $1 to $9 stand for groups of the path's expression. Implies use-regex for the host. The query stays.",
		sets: []string{"RewriteTarget"}, parse: rewriteTarget,
	}, {
		Name: "rewrite-host", Type: "host", Default: "the client's Host", Example: "chat.internal",
		Doc:  "New Host header of a request; X-Forwarded-Host tells the client's.",
		sets: []string{"RewriteHost"}, parse: rewriteHost,
	}, {
		Name: "backend-protocol", Type: "http, ws, https or wss", Default: "appProtocol of the Service port, else http", Example: "https",
		Doc:  "https and wss speak TLS to the endpoints; their certificates are not verified.",
		sets: []string{"Scheme"}, parse: choice(backendProtocols, func(d *draft, s model.Scheme) { d.Scheme = &s }),
	}, {
		Name: "ssl-redirect", Type: "true, false or always", Default: "true", Example: "false",
		Doc:  "Answers plain HTTP requests with 308 to https: true where the Ingress has TLS for the host, always everywhere. WebSocket upgrades are served, because their clients don't follow redirects.",
		sets: []string{"Redirect"}, parse: choice(redirects, func(d *draft, r Redirect) { d.Redirect = r }),
	},
})

func protocols(value string, d *draft) (string, error) {
	var set model.Protocols
	for _, word := range splitList(value) {
		p, err := choose(protocolWords, word)
		if err != nil {
			return "", err
		}
		set |= p
	}
	d.Protocols = set
	return "", nil
}

func stickyCookie(value string, d *draft) (string, error) {
	if strings.EqualFold(value, "off") {
		d.StickyOn = false
		return "", nil
	}
	if err := cookieName(value); err != nil {
		return "", err
	}
	d.StickyOn, d.Sticky.Name = true, value
	return "", nil
}

func stickyMaxAge(value string, d *draft) (string, error) {
	length, err := duration(value)
	if err == nil {
		d.Sticky.MaxAge = length
	}
	return "", err
}

// closeCode reads a code that an endpoint may send: 1004, 1005, 1006 and 1015 may not stand in a
// frame (RFC 6455 section 7.4.1).
func closeCode(value string, d *draft) (string, error) {
	_, err := whole(1000, 4999, func(d *draft, n int) { d.Drain.CloseCode = n })(value, d)
	code := d.Drain.CloseCode
	if err == nil && (code == 1004 || code == 1005 || code == 1006 || (code > 1014 && code < 3000)) {
		err = fmt.Errorf("%d may not be sent in a Close frame: write 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999", code)
	}
	return "", err
}
