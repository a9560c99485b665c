package probe

import (
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/frame"
)

func (s *scene) wrong() string { return strings.Join(s.seen.switchings, "; ") }

func (s *scene) badAccept() {
	s.say("the 101 is refused: %s.", s.wrong())
	s.why("The answer does not belong to this request. A cache or proxy gave the answer to another one, something answers every request with a canned 101, or the server's library is wrong. No client goes on.")
	s.change(everyProxy, "no caching of this path; Sec-WebSocket-Key and -Accept must pass unchanged (not one of its own towards the server)")
	s.change(application, "Sec-WebSocket-Accept is base64(SHA-1(key + \"258EAFA5-E914-47DA-95CA-C5AB0DC85B11\")): RFC 6455 section 4.2.2")
}

func (s *scene) badUpgrade() {
	s.say("the 101 is refused: %s.", s.wrong())
	s.why("A proxy on the way dropped hop-by-hop headers of the answer or set its own, or the server switched to another protocol.")
	s.changes(passUpgrade)
}

func (s *scene) subprotocolRefused() {
	s.say("the 101 is refused: %s.", s.wrong())
	switch {
	case len(s.o.Subprotocols) == 0:
		s.why("A client must fail then (RFC 6455 section 4.1).")
		s.change(clientSoftware, "offer what the server speaks: --subprotocol "+printable(s.a.Answer.Header.Get("Sec-Websocket-Protocol")))
	default:
		s.why("Browsers close a socket at once whose server chose none of the subprotocols that the page offered. The server doesn't know them, or a proxy on the way dropped Sec-WebSocket-Protocol.")
		s.change(clientSoftware, "offer a name that the server knows (graphql-transport-ws or graphql-ws; v12.stomp; mqtt; ocpp1.6; janus-protocol), or none")
		s.change(application, "choose one of the offered names in Sec-WebSocket-Protocol of the 101")
		s.change(everyProxy, "pass Sec-WebSocket-Protocol on in both directions")
	}
}

func (s *scene) extensionUnasked() {
	s.say("the 101 is refused: %s.", s.wrong())
	s.why("A client must fail then (RFC 6455 section 4.1). The server compresses without being asked, or a proxy offered it in the client's name.")
	s.change(application, "permessage-deflate only when the client offers it")
	s.change(everyProxy, "pass Sec-WebSocket-Extensions on as it is, in both directions")
}

func (s *scene) framesLost() {
	s.say("the handshake succeeded, but frames get lost: a Ping had no answer within %v.", s.o.Timeout)
	s.why("Every WebSocket server answers a Ping (RFC 6455 section 5.5.2). A proxy gave or passed the 101 but does not pass what follows: it buffers, inspects or still speaks HTTP on this connection. Rarely the server is stuck.")
	s.changes(passUpgrade)
	s.change(everyProxy, "no buffering, caching, compression or inspection (WAF, antivirus, DLP) on this path",
		"compare: the same probe past the proxy, with --connect-to ADDRESS:PORT of the next hop")
}

func (s *scene) framesBroken() {
	s.say("the handshake succeeded, but what follows are no WebSocket frames.")
	s.why("%s. Something on the way writes into the connection: a proxy that adds an HTTP error page or chunked encoding behind the 101, or compresses frames without agreement.", upper(printable(rootText(s.seen.err))))
	s.change(everyProxy, "no gzip, no chunked encoding and no error pages on this path; HTTP/1.1 towards the server")
}

func rootText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func (s *scene) noReply() {
	s.say("frames go both ways, but no message came back within %v.", s.o.Timeout)
	s.why("The server got the message, or at least answers Pings behind it. It may wait for another kind of message, a login, or a subprotocol.")
	s.change(application, "what does it expect first? --send with a message that it answers")
}

// closeCodes say what the codes of RFC 6455 section 7.4.1 and of a few libraries mean.
var closeCodes = map[int]string{
	1000:           "a normal end",
	1001:           "the server or a proxy goes away (restart, drain) or ended an old or idle socket",
	1002:           "a protocol error",
	1003:           "data of a kind that is not accepted",
	frame.NoStatus: "no code was given",
	1007:           "data that is no valid UTF-8",
	1008:           "a policy: often a missing token, a refused Origin, or too many messages",
	1009:           "a message that is too large",
	1010:           "an extension that the server misses",
	1011:           "an error in the server, or the endpoint behind a proxy is gone",
	1012:           "the server restarts: reconnect",
	1013:           "the server is overloaded: reconnect later",
	1014:           "the endpoint behind a gateway failed",
	3000:           "unauthorized",
	3003:           "forbidden",
	3008:           "a timeout",
	4000:           "the application's own code",
	4400:           "graphql-ws: a bad request",
	4401:           "unauthorized (graphql-ws and others)",
	4403:           "forbidden (graphql-ws and others)",
	4406:           "graphql-ws: the subprotocol is not acceptable",
	4408:           "graphql-ws: connection_init did not come in time",
	4429:           "graphql-ws: too many connection_init",
}

// meaning says what a close code stands for.
func meaning(code int) string {
	if m, ok := closeCodes[code]; ok {
		return m
	}
	if code >= 4000 && code < 5000 {
		return closeCodes[4000]
	}
	return "an unusual code"
}

func (s *scene) closedAtOnce() {
	e := s.seen.end
	if e.by == byClose {
		s.say("the handshake succeeded, and then the server closed with %s: %s.", closeText(e.code, e.text), meaning(e.code))
		s.why("A Close frame is WebSocket's own: the application sent it, or a proxy that speaks WebSocket. Proxies and load balancers that move bytes only can't.")
		if saidByUs(e.text) {
			s.v.Why += " The words are Fairlead's."
		}
		s.change(application, "its log says why; a token, a cookie, a subprotocol or a first message may be missing (--cookie, -H, --subprotocol, --send)")
		return
	}
	s.say("the handshake succeeded, and then the connection was %s, without a Close frame: 1006 in a browser.", how(e.err))
	s.why("The process behind crashed or dropped the connection, or a proxy passed the 101 on and closed because it holds the answer for complete.")
	s.changes(passUpgrade)
	s.change(application, "its log, and kubectl get pods: did it restart?")
}

func (s *scene) forgotten() {
	s.say("the socket was dead after %v of silence, and nobody said so.", s.o.Idle)
	s.why("Something between dropped its memory of the connection without telling either end: a NAT, a firewall or a load balancer (AWS NLB after 350 s, Azure after 240 s, many home routers and mobile networks after 60 to 300 s). Both ends still believe that it stands.")
	s.note("to find the time, probe with a shorter --idle; that Pings keep it open shows --ping 20s")
	s.changes(longerSilence)
}

func (s *scene) closedIdle() {
	e, n := s.seen.end, s.seen.silence
	if s.seen.err != nil && e.by == "" {
		s.say("the wait was broken off.")
		return
	}
	behind := "of silence"
	if s.seen.pinged > 0 {
		behind = "behind the last frame"
	}
	s.say("the socket was closed after %s %s (%s behind the 101), by %s.", round(n), behind, round(s.seen.stay), e)
	if e.by == byClose {
		s.why("A Close frame is WebSocket's own: the application or a proxy that speaks WebSocket sent it (%s), not a load balancer that counts bytes.", meaning(e.code))
		if saidByUs(e.text) {
			s.v.Why += " The words are Fairlead's."
		}
	} else {
		s.why("There was no Close frame, so that a browser reports 1006: a proxy or load balancer that moves bytes only gave up, or the process ended.")
	}
	if guess := knownTimeouts(n, s.seen.stay, s.a.Answer); guess != "" {
		s.v.Why += " " + guess
	}
	if s.seen.pinged > 0 {
		s.v.Why += " Pings every " + s.o.Ping.String() + " did not help: it is a limit of the whole life of a socket, something that does not count Pings, or the process ended."
	}
	if e.by != byClose {
		s.changes(longerSilence)
		return
	}
	for _, c := range longerSilence { // only these speak WebSocket
		if c.Where == application || c.Where == fairlead {
			s.v.Changes = append(s.v.Changes, c)
		}
	}
}

// ourWords begin the reasons of the Close frames that Fairlead sends.
var ourWords = []string{"idle for ", "the proxy is restarting", "the route was deleted", "the endpoint is terminating", "the endpoint went away"}

func saidByUs(reason string) bool {
	return slices.ContainsFunc(ourWords, func(words string) bool { return strings.HasPrefix(reason, words) })
}

// knownTimeout is a default that people meet.
type knownTimeout struct {
	after time.Duration
	who   string // a party, or words
	what  string
	life  bool // it counts from the handshake, whatever is sent
}

var timeouts = []knownTimeout{
	{30 * time.Second, googleLB, "its backend service timeout", true},
	{30 * time.Second, azureAG, "its request timeout", false},
	{50 * time.Second, haproxy, "timeout client and timeout server of its example configuration, when timeout tunnel is not set", false},
	{55 * time.Second, "Heroku's router", "its limit of silence", false},
	{60 * time.Second, nginx, "proxy_read_timeout", false},
	{60 * time.Second, ingressNginx, "the annotation proxy-read-timeout", false},
	{60 * time.Second, alb, "its idle timeout", false},
	{60 * time.Second, kong, "read_timeout", false},
	{60 * time.Second, apisix, "its read timeout", false},
	{100 * time.Second, cloudflare, "its limit of silence", false},
	{180 * time.Second, traefik, "its idleTimeout", false},
	{230 * time.Second, "Azure App Service", "its front end", false},
	{240 * time.Second, "Azure Load Balancer", "its idle timeout of 4 minutes", false},
	{300 * time.Second, envoy, "stream_idle_timeout (Envoy Gateway, Contour and Istio have it too)", false},
	{350 * time.Second, "AWS NLB", "its idle timeout", false},
	{600 * time.Second, "Google Cloud's firewall", "its memory of connections", false},
	{600 * time.Second, apiGateway, "its idle timeout", false},
	{time.Hour, fairlead, "fairlead.dev/idle-timeout", false},
	{time.Hour, "HAProxy Ingress", "timeout-tunnel", false},
	{2 * time.Hour, apiGateway, "its longest connection", true},
}

// knownTimeouts names the defaults that a silence fits, those of known parties alone if there are any.
func knownTimeouts(silence, stay time.Duration, a *Answer) string {
	near := func(d, of time.Duration) bool { return d >= of-of/50-time.Second/2 && d <= of+of/50+time.Second }
	var all, known []string
	for _, t := range timeouts {
		d := silence
		if t.life {
			d = stay
		}
		if !near(d, t.after) {
			continue
		}
		text := t.who + ": " + t.what
		all = append(all, text)
		if a.is(t.who) || t.who == nginx && a.is(openresty) {
			known = append(known, text)
		}
	}
	switch {
	case len(known) > 0:
		return "That is the default of one that gave itself away: " + strings.Join(known, "; ") + "."
	case len(all) > 0:
		return "That is the default of " + strings.Join(all, "; ") + "."
	}
	return "It is no default that is known here, so somebody has set it."
}
