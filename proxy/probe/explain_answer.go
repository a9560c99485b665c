package probe

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

func (s *scene) pathNotFound() {
	s.say("the answer is %s: no route matches host %s and path %s.", s.status(), s.at.authority(), printable(s.at.path()))
	switch a := s.a.Answer; {
	case s.ours():
	case a.is(ingressNginx):
		s.why("It is the default backend of ingress-nginx: no Ingress of its class has this host and path.")
	case a.is(envoy) && a.Body == "":
		s.why("Envoy answers 404 without content when no virtual host or route matches.")
	case a.says("404 page not found"):
		s.why("The text is that of Go's net/http and of Traefik when no route matches.")
	case a.says("no connection with that id"):
		s.why("It is SignalR's: the connection ID was made by another replica.")
		s.change(application, "sticky sessions, or skipNegotiation: true with WebSockets only")
		return
	case a.says("session id unknown"):
		s.why("It is socket.io's: the session was begun on another replica.")
		s.change(application, "sticky sessions, or transports: [\"websocket\"] in the client")
		return
	default:
		s.why("Either a proxy has no route for it, or the application itself knows no such path. Compare with what the application's own log says: if nothing stands there, it was a proxy. Some servers (Phoenix, Action Cable, uvicorn) answer 404 also to a refused Origin or to a request without upgrade headers.")
	}
	s.changes(servePath(s.at))
}

// framework is a library whose handshake needs more than the path, and its mark in an answer.
type framework struct {
	mark, name, advice string
}

var frameworks = []framework{
	{"welcome to sockjs", "SockJS", "its raw WebSocket is at PATH/websocket"},
	{`{"code":0,"message":"transport unknown"}`, "socket.io", "its WebSocket is at /socket.io/?EIO=4&transport=websocket"},
	{`{"code":1,"message":"session id unknown"}`, "socket.io", "the session was begun on another replica: sticky sessions, or transports: [\"websocket\"] in the client"},
	{`{"code":3,"message":"bad request"}`, "socket.io", "upgrade headers were lost, or the transport is not allowed"},
	{`{"code":5,"message":"unsupported protocol version"}`, "socket.io", "the EIO version of the client (3 or 4) is not the server's"},
	{`0{"sid":`, "socket.io", "that is the long-polling transport: add transport=websocket to the query"},
	{"connection id required", "SignalR", "clients negotiate first (POST PATH/negotiate) and then bring ?id=…; or skipNegotiation: true"},
	{"must provide query string", "a GraphQL server", "the path answers queries over HTTP; subscriptions may have another one, and need --subprotocol graphql-transport-ws"},
	{"jupyter", "Jupyter", "kernels are at /api/kernels/ID/channels?session_id=…, and want the login cookie (--cookie) or ?token=…"},
}

// frameworkOf returns the library that gave an answer, nil when it is none that is known.
func frameworkOf(a *Answer) *framework {
	for i := range frameworks {
		if a.says(frameworks[i].mark) {
			return &frameworks[i]
		}
	}
	return nil
}

// framework adds what a known library wants, and reports whether it is one.
func (s *scene) framework() bool {
	f := frameworkOf(s.a.Answer)
	if f == nil {
		return false
	}
	s.why("The answer is that of %s.", f.name)
	s.change(application, f.advice)
	return true
}

func (s *scene) notThisPath() {
	a := s.a.Answer
	what := "an ordinary answer"
	if a.isPage() {
		what = "a web page"
	}
	s.say("the answer is %s with %s, where 101 Switching Protocols was due.", s.status(), what)
	if s.framework() {
		return
	}
	if a.Status == http.StatusMethodNotAllowed {
		s.why("Something serves this path, but not to a GET: it is no WebSocket.")
	} else {
		s.why("Either the path leads to something that is no WebSocket (a single-page application answers every unknown path with its index.html), or a proxy on the way did not pass Upgrade and Connection on, so that the server saw an ordinary request.")
	}
	s.changes(passUpgrade)
	s.changes(servePath(s.at)[:1])
}

func (s *scene) upgradeLost() {
	s.say("the answer is %s: the request reached a server that saw no WebSocket handshake in it.", s.status())
	if !s.ours() && !s.framework() {
		s.why("The probe sent Connection: Upgrade and Upgrade: websocket. A proxy on the way did not pass them on: they are hop-by-hop headers, which a proxy drops unless told otherwise, and HTTP/1.0 has none.")
	}
	if s.a.Answer.is(fairlead) {
		s.note("it was lost before Fairlead: look at what stands in front of it")
	}
	s.changes(passUpgrade)
}

func (s *scene) badRequest() {
	s.say("the answer is %s: the server does not like the request.", s.status())
	if s.ours() || s.framework() {
		return
	}
	s.why("Most often a proxy on the way dropped Upgrade or Connection, and the server misses them; or it misses a parameter, a cookie or a subprotocol. Its own words, if any, stand above.")
	s.changes(passUpgrade)
}

func (s *scene) badVersion() {
	s.say("the server does not speak version 13 of the protocol.")
	if !s.ours() {
		s.why("It names %s. Only 13 (RFC 6455) exists in the field: either the server is of before 2011, or a proxy on the way changed or dropped Sec-WebSocket-Version.",
			printable(strings.Join(s.a.Answer.Header["Sec-Websocket-Version"], ", ")))
	}
	s.change(everyProxy, "pass Sec-WebSocket-Version on as it is")
	s.change(application, "a WebSocket library that speaks RFC 6455")
}

func (s *scene) location() string { return printable(s.a.Answer.Header.Get("Location")) }

const browsersDont = "Browsers don't follow redirects of a WebSocket handshake: they fail with 1006 and no reason."

func (s *scene) redirectHTTPS() {
	if s.a.Answer.Header.Get("Location") == "" { // Fairlead's 426
		s.say("the answer is %s: this host wants wss://.", s.status())
	} else {
		s.say("the answer is %s, a redirect to https: %s", s.status(), s.location())
	}
	s.ours()
	s.v.Why = strings.TrimSpace(s.v.Why + " " + browsersDont)
	s.change(clientSoftware, s.at.withSecure(true).String())
	s.change(fairlead, "fairlead.dev/insecure-websocket: serve   # if ws:// must be served beside https, as it is unless set")
}

func (s *scene) redirectSlash() {
	s.say("the answer is %s, a redirect to the path with the other ending: %s", s.status(), s.location())
	s.why("The server tells /ws and /ws/ apart. %s", browsersDont)
	to, err := resolveLocation(s.a.Answer.Header.Get("Location"), s.at)
	if err == nil {
		s.change(clientSoftware, s.at.withPath(to.EscapedPath()).String())
	}
	s.change(nginx, fmt.Sprintf("location = %s { proxy_pass http://backend; … }   # \"location %s/\" alone answers 301 for it",
		strings.TrimSuffix(s.at.path(), "/"), strings.TrimSuffix(s.at.path(), "/")))
}

func (s *scene) redirectLogin() {
	s.say("the answer is %s, a redirect to a login page: %s", s.status(), s.location())
	s.why("Whoever guards the host (oauth2-proxy, an identity-aware proxy, the application) knows no session of this client. %s", browsersDont)
	s.change(clientSoftware, "log in on the page first; to probe as a logged-in user: --cookie 'NAME=VALUE' of the browser", "the cookie must be sent to this host: look at Domain, Path, Secure and SameSite (None when the page is of another site)")
	s.change(ingressNginx, "# with auth-signin a client without a session gets 302; Fairlead answers handshakes 401 instead")
	s.change("oauth2-proxy", "--proxy-websockets=true   # the default", "--skip-auth-route='GET=^/ws'   # if the application checks a token itself")
}

func (s *scene) redirected() {
	s.say("the answer is %s, a redirect: %s", s.status(), s.location())
	s.why("%s", browsersDont)
	s.change(clientSoftware, "the address that is redirected to, if it is the socket's (with ws for http)")
	s.change("the server", "no redirects on the path of the socket (www, language, app-root)")
}

func (s *scene) unauthorized() {
	s.say("the answer is %s: the server wants to know who asks.", s.status())
	s.ours()
	challenge := s.a.Answer.Header.Get("Www-Authenticate")
	if challenge != "" {
		s.v.Why = strings.TrimSpace(s.v.Why + " It wants: " + printable(challenge) + ".")
	}
	s.v.Why = strings.TrimSpace(s.v.Why + " Browsers can't set headers on a WebSocket: there the token travels in a cookie, in the query, or as a subprotocol.")
	if strings.HasPrefix(strings.ToLower(challenge), "basic") {
		s.change("this probe", "-H \"Authorization: Basic $(printf 'USER:PASSWORD' | base64)\"")
	} else {
		s.change("this probe", "-H 'Authorization: Bearer TOKEN', or --cookie 'NAME=VALUE'")
	}
	s.change(clientSoftware, "a cookie of the same site, which browsers send along; or a short-lived ticket in the query")
}

func (s *scene) forbidden() {
	s.say("the answer is %s: the server knows the request and refuses it.", s.status())
	if reason, _ := ourReason(s.a.Answer); reason == model.SourceRefused {
		s.ours()
		s.change(fairlead, "fairlead.dev/allow-cidrs and deny-cidrs (whitelist-source-range, denylist-source-range) say who gets in;",
			"behind a load balancer all clients have its address, unless --trusted-proxies or --proxy-protocol names it")
		return
	}
	if !s.ours() {
		s.why("The usual causes: the Origin is not allowed (or missing), the source address is not (allow list, firewall), a token or cookie is missing or without rights, a web application firewall.")
	}
	s.originAdvice()
}

func (s *scene) originRefused() {
	sent := "none was sent"
	if s.o.Origin != "" {
		sent = s.o.Origin + " was sent"
	}
	s.say("the answer is %s: the Origin is not allowed (%s).", s.status(), sent)
	if !s.ours() {
		s.why("Servers check it so that foreign pages can't use the cookies of a user who is logged in (cross-site WebSocket hijacking).")
	}
	s.originAdvice()
}

func (s *scene) originAdvice() {
	origin := s.o.Origin
	if origin == "" {
		s.change("this probe", "--origin https://"+s.at.host+"   # as a page of this host would send it")
		origin = "https://" + s.at.host
	}
	s.change(application, "its list of allowed origins (Phoenix check_origin, Action Cable allowed_request_origins, ALLOWED_HOSTS, CheckOrigin): add "+origin,
		"behind a proxy that ends TLS it must also see the client's Host and X-Forwarded-Proto: https")
	s.change(fairlead, "fairlead.dev/origins: \""+origin+"\"   # or policy.access.origins of a WebSocketRoute")
	s.change(nginx, "proxy_set_header Host $host;   # many applications compare Origin with Host")
}

func (s *scene) misdirected() {
	s.say("the answer is %s: TLS was set up for another host than the request's.", s.status())
	s.ours()
	s.change(clientSoftware, "Host and the name in TLS (SNI) must be the same: -H 'Host: …' changes only one of them")
}

func (s *scene) tooManyClients() {
	s.say("the answer is %s: a limit is reached.", s.status())
	if !s.ours() {
		s.why("Too many handshakes or sockets from here, or on the whole. A socket counts for its whole life in limits of connections.")
	}
	if after := s.a.Answer.Header.Get("Retry-After"); after != "" {
		s.note("Retry-After: %s", printable(after))
	}
	s.change(clientSoftware, "reconnect with a growing, random delay: a herd that returns at once hits every limit")
	s.change(ingressNginx, "limit-connections, limit-rps, limit-rpm and limit-burst-multiplier; clients behind one NAT share them (limit-allowlist)")
	s.change(fairlead, "fairlead.dev/sessions, sessions-per-client, handshakes-per-second-per-client, exempt-cidrs; or policy.limits of a WebSocketRoute",
		"behind a load balancer all clients look like one, unless --trusted-proxies or --proxy-protocol names it")
}

func (s *scene) noEndpoint() {
	s.say("the answer is %s: nobody is there to serve it now.", s.status())
	if !s.ours() {
		s.why("The proxy has the route, but no ready endpoint behind it; or it is overloaded, limits clients (ingress-nginx answers 503 there), or an operator put it into maintenance.")
	}
	s.change("Kubernetes", "kubectl get endpointslices -l kubernetes.io/service-name=SERVICE   # are there ready addresses?",
		"kubectl get pods; kubectl describe ingress   # the selector, the readiness probe, the port's name")
	s.change(application, "fails its readiness probe, or has not started")
}

func (s *scene) badEndpoint() {
	s.say("the answer is %s: the proxy could not talk to the endpoint behind it.", s.status())
	if !s.ours() {
		s.why("The endpoint refused the connection, closed it, or answered something that is not HTTP/1.1. Often the port or the scheme (http or https) towards it is wrong, or the process crashed.")
	}
	if n := s.a.Answer.Status; n == 525 || n == 526 {
		s.why("It is Cloudflare's: TLS between Cloudflare and the origin failed, or the origin's certificate is not valid.")
	}
	s.change("Kubernetes", "kubectl port-forward pod/POD 9000, then: fairlead probe ws://127.0.0.1:9000"+s.at.uri, "targetPort of the Service must be the port on which the process listens, on 0.0.0.0 and not on 127.0.0.1 alone")
	s.change(ingressNginx, `nginx.ingress.kubernetes.io/backend-protocol: HTTPS   # if the pod speaks TLS`)
	s.change(fairlead, "fairlead.dev/backend-protocol: https   # or appProtocol: kubernetes.io/wss on the Service's port", "fairlead's log line of this request has the cause")
}

func (s *scene) slowEndpoint() {
	s.say("the answer is %s: the endpoint behind the proxy did not answer in time.", s.status())
	if !s.ours() {
		s.why("The endpoint takes no connection (a firewall, a NetworkPolicy, a dead address), or took the request and is stuck.")
	}
	s.change("Kubernetes", "a NetworkPolicy must let the ingress controller's pods reach the endpoint")
	s.change(application, "answer the handshake first, and load what takes long afterwards")
	s.change(fairlead, "fairlead.dev/handshake-timeout: 30s   # 10s unless set")
}

func (s *scene) serverError() {
	s.say("the answer is %s: the server failed.", s.status())
	if !s.ours() {
		s.why("An error of the application or of a proxy, which its log explains. Some servers fail like this when Upgrade and Connection did not reach them.")
	}
	s.change(application, "look into its log at the time of this probe")
}

func (s *scene) otherAnswer() {
	s.say("the answer is %s, where 101 Switching Protocols was due.", s.status())
	s.ours()
	s.changes(passUpgrade)
}
