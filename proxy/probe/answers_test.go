package probe

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
)

func TestAnswersAreExplained(t *testing.T) {
	page := map[string]string{"Content-Type": "text/html"}
	upgrader := websocket.Upgrader{}
	for name, c := range map[string]struct {
		port    string
		server  func(t *testing.T) string
		o       Options
		finding Finding
		says    []string
	}{
		"works": {server: func(t *testing.T) string { return served(t, echo) }, finding: Works},
		"echo-with-subprotocol": {
			server: func(t *testing.T) string { return served(t, echo) },
			o:      Options{Subprotocols: []string{"v3.chat", "v2.chat"}, Send: "hello", Cookie: "session=secret", Origin: "https://chat.example.com"}, finding: Works,
		},
		"ingress-nginx-default-backend": {
			server: func(t *testing.T) string {
				return says(t, 404, map[string]string{"Content-Type": "text/plain"}, "default backend - 404")
			},
			finding: PathNotFound, says: []string{"ingress-nginx", "no Ingress of its class", "ingressClassName"},
		},
		"envoy-no-route": {
			server:  func(t *testing.T) string { return says(t, 404, map[string]string{"Server": "envoy"}, "") },
			finding: PathNotFound, says: []string{"no virtual host or route matches"},
		},
		"traefik-no-route": {
			server: func(t *testing.T) string { return served(t, http.NotFound) }, finding: PathNotFound, says: []string{"Traefik"},
		},
		"fairlead-no-route": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, _ *http.Request) {
					handshake.Refuse(w, &model.Refusal{Status: 404, Reason: model.NoRoute, Detail: "no route for this host and path"})
				})
			},
			finding: PathNotFound, says: []string{"Fairlead refused it with the reason NoRoute"},
		},
		"slash-is-missing": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/ws/" {
						http.NotFound(w, r)
						return
					}
					echo(w, r)
				})
			},
			finding: PathNotFound, says: []string{"ws://chat.example.com/ws/ works"},
		},
		"single-page-application": {
			server: func(t *testing.T) string { return says(t, 200, page, "<!doctype html><title>Chat</title>") }, finding: NotThisPath,
			says: []string{"A path that can't exist gets the very same answer"},
		},
		"page-at-this-path-only": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasPrefix(r.URL.Path, "/ws") {
						http.NotFound(w, r)
						return
					}
					w.Header().Set("Server", "cloudflare")
					w.Header().Set("Content-Type", "text/html")
					_, _ = io.WriteString(w, "<html><title>Hello</title>")
				})
			},
			finding: NotThisPath, says: []string{"lost Upgrade and Connection headers are the likelier cause", "Network > WebSockets"},
		},
		"socket-io-polling": {
			server: func(t *testing.T) string {
				return says(t, 400, map[string]string{"Content-Type": "application/json"}, `{"code":0,"message":"Transport unknown"}`)
			},
			o: Options{URL: "ws://chat.example.com/socket.io/"}, finding: BadRequest, says: []string{"EIO=4&transport=websocket"},
		},
		"sockjs-greeting": {
			server: func(t *testing.T) string { return says(t, 200, nil, "Welcome to SockJS!\n") }, finding: NotThisPath, says: []string{"PATH/websocket"},
		},
		"upgrade-required": {
			server: func(t *testing.T) string {
				return says(t, 426, map[string]string{"Upgrade": "websocket", "Connection": "Upgrade"}, "Upgrade Required")
			},
			finding: UpgradeLost, says: []string{"proxy_set_header Upgrade $http_upgrade;", "timeout tunnel"},
		},
		"version-of-before-2011": {
			server:  func(t *testing.T) string { return says(t, 400, map[string]string{"Sec-WebSocket-Version": "7, 8"}, "") },
			finding: BadVersion, says: []string{"7, 8"},
		},
		"redirect-to-https": {
			server: func(t *testing.T) string {
				return says(t, 308, map[string]string{"Location": "https://chat.example.com/ws"}, "")
			},
			finding: RedirectHTTPS, says: []string{"wss://chat.example.com/ws", "1006"},
		},
		"fairlead-wants-wss": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, _ *http.Request) {
					handshake.Refuse(w, &model.Refusal{Status: 426, Reason: model.NotSecure, Detail: "this route is served on wss only"})
				})
			},
			finding: RedirectHTTPS, says: []string{"NotSecure", "wss://chat.example.com/ws"},
		},
		"redirect-to-slash": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/ws" {
						http.Redirect(w, r, "/ws/?"+r.URL.RawQuery, http.StatusMovedPermanently)
						return
					}
					echo(w, r)
				})
			},
			o: Options{URL: "ws://chat.example.com/ws?token=1"}, finding: RedirectSlash, says: []string{"ws://chat.example.com/ws/?token=1 works"},
		},
		"redirect-to-login": {
			server: func(t *testing.T) string {
				return says(t, 302, map[string]string{"Location": "https://sso.example.com/oauth2/start?rd=%2Fws"}, "")
			},
			finding: RedirectLogin, says: []string{"oauth2-proxy", "--cookie"},
		},
		"redirect-elsewhere": {
			server: func(t *testing.T) string {
				return says(t, 301, map[string]string{"Location": "http://www.example.com/ws"}, "")
			}, finding: Redirected,
		},
		"basic-auth": {
			server: func(t *testing.T) string {
				return says(t, 401, map[string]string{"Www-Authenticate": `Basic realm="staff"`}, "")
			}, finding: Unauthorized,
			says: []string{`realm="staff"`, "Authorization: Basic"},
		},
		"origin-is-missing": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Origin") == "" {
						http.Error(w, "Forbidden", http.StatusForbidden)
						return
					}
					echo(w, r)
				})
			},
			finding: OriginRefused, says: []string{"With Origin: http://chat.example.com it works", "check_origin"},
		},
		"origin-is-foreign": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, r *http.Request) { talkWith(upgrader, w, r, nil) })
			},
			o: Options{Origin: "https://evil.example.net"}, finding: OriginRefused, says: []string{"https://evil.example.net was sent"},
		},
		"forbidden-for-another-reason": {
			server: func(t *testing.T) string { return says(t, 403, nil, "no") }, finding: Forbidden,
		},
		"fairlead-refuses-the-source": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, _ *http.Request) {
					handshake.Refuse(w, &model.Refusal{Status: 403, Reason: model.SourceRefused, Detail: "this address is not let in"})
				})
			},
			finding: Forbidden, says: []string{"SourceRefused", "--trusted-proxies"},
		},
		"too-many-requests": {
			server: func(t *testing.T) string { return says(t, 429, map[string]string{"Retry-After": "30"}, "") }, finding: TooManyClients, says: []string{"Retry-After: 30"},
		},
		"fairlead-no-endpoint": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, _ *http.Request) {
					handshake.Refuse(w, &model.Refusal{Status: 503, Reason: model.NoEndpoint, Detail: "no endpoint of the route takes sessions now"})
				})
			},
			finding: NoEndpoint, says: []string{"NoEndpoint", "endpointslices"},
		},
		"haproxy-no-server": {
			server: func(t *testing.T) string {
				return says(t, 503, page, "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>")
			},
			finding: NoEndpoint, says: []string{"HAProxy"},
		},
		"alb-bad-gateway": {
			server:  func(t *testing.T) string { return says(t, 502, map[string]string{"Server": "awselb/2.0"}, "") },
			finding: BadEndpoint, says: []string{"AWS ALB", "targetPort"},
		},
		"cloudflare-bad-origin-certificate": {
			server: func(t *testing.T) string {
				return says(t, 526, map[string]string{"Server": "cloudflare", "Cf-Ray": "8f1-FRA"}, "error code: 526")
			},
			finding: BadEndpoint, says: []string{"Cloudflare", "certificate is not valid"},
		},
		"gateway-timeout": {
			server: func(t *testing.T) string { return says(t, 504, nil, "") }, finding: SlowEndpoint,
		},
		"server-error": {
			server: func(t *testing.T) string { return says(t, 500, nil, "boom\x1b[31m") }, finding: ServerError,
		},
		"teapot": {
			server: func(t *testing.T) string { return says(t, 418, nil, "") }, finding: OtherAnswer,
		},
		"misdirected": {
			server: func(t *testing.T) string { return says(t, 421, nil, "") }, finding: Misdirected,
		},
		"unknown-subprotocol": {
			server: func(t *testing.T) string {
				return served(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Sec-Websocket-Protocol") != "" {
						http.Error(w, "unsupported", http.StatusBadRequest)
						return
					}
					echo(w, r)
				})
			},
			o: Options{Subprotocols: []string{"mqtt"}}, finding: SubprotocolRefused, says: []string{"without any it answers 101"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld("80", c.server(t)).probe(t, c.o)
			if v := r.Verdict; v.Finding != c.finding || v.Works != (c.finding == Works) {
				t.Errorf("found %s, works %v; want %s", v.Finding, v.Works, c.finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q", part)
			}
			if n := len(r.Attempts); n > 1+mostVariations {
				t.Errorf("%d attempts", n)
			}
			golden(t, name, r)
		})
	}
}

func Test101sAreJudgedAsBrowsersDo(t *testing.T) {
	for name, c := range map[string]struct {
		change  map[string]string
		o       Options
		finding Finding
	}{
		"accept-is-missing":       {map[string]string{"Sec-WebSocket-Accept": ""}, Options{}, BadAccept},
		"accept-is-wrong":         {map[string]string{"Sec-WebSocket-Accept": handshake.AcceptKey("of another")}, Options{}, BadAccept},
		"connection-is-missing":   {map[string]string{"Connection": "keep-alive"}, Options{}, BadUpgrade},
		"upgrade-to-another":      {map[string]string{"Upgrade": "h2c"}, Options{}, BadUpgrade},
		"no-subprotocol-chosen":   {nil, Options{Subprotocols: []string{"mqtt", "v12.stomp"}}, SubprotocolRefused},
		"subprotocol-not-offered": {map[string]string{"Sec-WebSocket-Protocol": "mqtt"}, Options{}, SubprotocolRefused},
		"another-subprotocol":     {map[string]string{"Sec-WebSocket-Protocol": "mqtt"}, Options{Subprotocols: []string{"v12.stomp"}}, SubprotocolRefused},
		"extension-not-offered":   {map[string]string{"Sec-WebSocket-Extensions": "permessage-deflate"}, Options{}, ExtensionUnasked},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld("80", raw(t, func(conn net.Conn, r *http.Request) {
				switching(conn, r, c.change)
				drain(conn)
			})).probe(t, c.o)
			if r.Verdict.Finding != c.finding {
				t.Errorf("found %s, want %s", r.Verdict.Finding, c.finding)
			}
			golden(t, name, r)
		})
	}
}

func TestWhatIsNoHTTPIsNamed(t *testing.T) {
	short := Options{Timeout: 300 * time.Millisecond}
	for name, c := range map[string]struct {
		server  func(t *testing.T) string
		o       Options
		finding Finding
	}{
		"ssh-server": {func(t *testing.T) string {
			return listenWith(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n"); drain(c) })
		}, Options{}, NotHTTP},
		"http2-without-tls": {func(t *testing.T) string {
			return listenWith(t, func(c net.Conn) { _, _ = c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}); drain(c) })
		}, Options{}, HTTP2Only},
		"no-answer": {func(t *testing.T) string { return listenWith(t, drain) }, short, NoAnswer},
		"closed-instead-of-answering": {func(t *testing.T) string {
			return raw(t, func(net.Conn, *http.Request) {})
		}, Options{}, ClosedEarly},
		"broken-head": {func(t *testing.T) string {
			return raw(t, func(c net.Conn, _ *http.Request) { _, _ = io.WriteString(c, "HTTP/1.1 abc\r\n\r\n") })
		}, Options{}, NotHTTP},
		"endless-head": {func(t *testing.T) string {
			return raw(t, func(c net.Conn, _ *http.Request) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
				for range 3000 {
					if _, err := io.WriteString(c, "X-More: "+strings.Repeat("a", 50)+"\r\n"); err != nil {
						return
					}
				}
			})
		}, Options{}, NotHTTP},
		"early-hints-come-first": {func(t *testing.T) string {
			return raw(t, func(c net.Conn, _ *http.Request) {
				_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			})
		}, Options{Once: true}, PathNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld("80", c.server(t)).probe(t, c.o)
			if r.Verdict.Finding != c.finding {
				t.Errorf("found %s, want %s", r.Verdict.Finding, c.finding)
			}
			if name != "endless-head" {
				golden(t, name, r)
			}
		})
	}
}

func TestTheReportIsJSONToo(t *testing.T) {
	r := newWorld("80", served(t, echo)).probe(t, Options{Cookie: "session=secret"})
	p, err := json.Marshal(r)
	if err != nil || strings.Contains(string(p), "session=secret") {
		t.Errorf("%v\n%s", err, p)
	}
	var got struct {
		Attempts []struct{ Steps []struct{ Name string } }
		Verdict  struct {
			Works   bool
			Finding string
		}
	}
	if err := json.Unmarshal(p, &got); err != nil || !got.Verdict.Works || got.Verdict.Finding != "Works" || got.Attempts[0].Steps[0].Name != StepResolve {
		t.Errorf("%v\n%s", err, p)
	}
}

func TestWrongUsageIsNoReport(t *testing.T) {
	for name, o := range map[string]Options{
		"no scheme":           {URL: "chat.example.com/ws"},
		"another scheme":      {URL: "tcp://chat.example.com"},
		"no host":             {URL: "ws:///ws"},
		"a password":          {URL: "ws://me:secret@chat.example.com/"},
		"negative":            {URL: "ws://a/", Timeout: -1},
		"ping without idle":   {URL: "ws://a/", Ping: time.Second},
		"connect-to":          {URL: "ws://a/", ConnectTo: "10.0.0.1"},
		"subprotocol":         {URL: "ws://a/", Subprotocols: []string{"a b"}},
		"header of handshake": {URL: "ws://a/", Header: http.Header{"Upgrade": {"x"}}},
		"header value":        {URL: "ws://a/", Header: http.Header{"X-A": {"a\r\nB: c"}}},
		"origin":              {URL: "ws://a/", Origin: "a\nb"},
	} {
		if r, err := Run(t.Context(), o); err == nil || r != nil {
			t.Errorf("%s: %v, %v", name, r, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v tells the password", name, err)
		}
	}
}
