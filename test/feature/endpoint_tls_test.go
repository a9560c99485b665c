package feature

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// secured is a pod that speaks TLS, and what was last said to it.
type secured struct {
	*httptest.Server
	hello atomic.Pointer[tls.ClientHelloInfo]
	shown atomic.Pointer[tls.ConnectionState]
}

// securePod starts a pod with a certificate. It asks for one of who comes, and does without.
func (w *world) securePod(name string, own tls.Certificate) *secured {
	w.t.Helper()
	p := new(secured)
	chat := w.pod(name)
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p.shown.Store(r.TLS)
		chat.ServeHTTP(rw, r)
	}))
	p.TLS = &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			p.hello.Store(hello)
			return nil, nil
		},
	}
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	p.StartTLS()
	w.t.Cleanup(func() { p.CloseClientConnections(); p.Close() })
	return p
}

func (p *secured) at() net.Addr { return p.Listener.Addr() }

func TestCertificatesOfEndpointsAreVerifiedIfThatIsWanted(t *testing.T) {
	story(t, func(w *world) {
		ours, theirs := newCA(w.t, "Harbour"), newCA(w.t, "Elsewhere")
		pod := w.securePod("a", ours.issue("a", "chat.internal"))
		service := serviceOf("chat", "") + separator + endpointSlice("chat", "1", pod.at(), "")
		trusted := secretOf("backend-ca", "ca.crt", ours.pem())
		serve := func(secret string, annotations ...string) {
			w.apply("chat", service, secret, ingressFor(object{}, append([]string{"backend-protocol: HTTPS"}, annotations...)...))
		}

		serve(trusted) // by default nothing is verified
		w.open(echo)
		if got := pod.hello.Load().ServerName; got != "chat.example.com" {
			w.t.Errorf("the pod was called %q", got)
		}
		w.wantPage(200, "", "chat.example.com/page")

		good := []string{"proxy-ssl-verify: on", "proxy-ssl-secret: default/backend-ca", "proxy-ssl-name: chat.internal"}
		serve(trusted, good...)
		w.open(echo)
		if got := pod.hello.Load().ServerName; got != "chat.internal" {
			w.t.Errorf("the pod was called %q", got)
		}
		w.wantPage(200, "", "chat.example.com/page")
		w.open(secure)

		serve(trusted, append([]string{"proxy-ssl-server-name: off"}, good...)...)
		w.open(echo)
		if got := pod.hello.Load().ServerName; got != "" {
			w.t.Errorf("the pod was called %q", got)
		}

		serve(trusted, good[:2]...) // its name is chat.internal, and not that of the host
		w.wantRefused(502, "ConnectFailed", echo)
		w.wantPage(502, "ConnectFailed", "chat.example.com/page")
		serve(secretOf("backend-ca", "ca.crt", theirs.pem()), good...)
		w.wantRefused(502, "ConnectFailed", echo)
		w.wantPage(502, "ConnectFailed", "chat.example.com/page")

		serve(secretOf("other", "a", "b"), good...)
		w.wantRefused(503, "Sealed", echo)
		w.toldThat("InvalidRef", "proxy-ssl-secret", "backend-ca")

		serve(trusted, append([]string{"upstream-vhost: chat.internal"}, good[:2]...)...) // the name is that of the Host which it gets
		w.open(echo)
	})
}

func TestEndpointsSeeWhoTheProxyIs(t *testing.T) {
	story(t, func(w *world) {
		ours := newCA(w.t, "Harbour")
		deep := ours.below("Region")
		pod, self := w.securePod("a", deep.issue("a", "chat.internal")), ours.issue("proxy")
		service := serviceOf("chat", "") + separator + endpointSlice("chat", "1", pod.at(), "")
		both := secretOf("both", "ca.crt", ours.pem(), "tls.crt", certPEM(self.Certificate[0]), "tls.key", ours.keyPEM(self))
		serve := func(annotations ...string) {
			w.apply("chat", service, both, ingressFor(object{}, append(annotations, "backend-protocol: https", "proxy-ssl-secret: default/both")...))
		}
		shown := func() string {
			if peers := pod.shown.Load().PeerCertificates; len(peers) > 0 {
				return peers[0].Subject.CommonName
			}
			return ""
		}
		serve()
		w.open(echo)
		if got := shown(); got != "proxy" {
			w.t.Errorf("the pod saw %q", got)
		}
		if v := pod.shown.Load().Version; v != tls.VersionTLS13 {
			w.t.Errorf("TLS %x", v)
		}
		serve("proxy-ssl-protocols: TLSv1.2")
		w.open(echo)
		if v := pod.shown.Load().Version; v != tls.VersionTLS12 {
			w.t.Errorf("TLS %x", v)
		}
		verified := []string{"proxy-ssl-verify: on", "proxy-ssl-name: chat.internal"}
		serve(append(verified, "proxy-ssl-verify-depth: 2")...)
		w.open(echo)
		serve(verified...) // without a depth there is no bound here
		w.open(echo)
		serve(append(verified, "proxy-ssl-ciphers: HIGH:!aNULL", "proxy-ssl-verify-depth: 4")...)
		w.open(echo)
		w.toldThat("proxy-ssl-ciphers")
	})
}

func TestEndpointsAreSpokenToAsClientsSpeak(t *testing.T) {
	story(t, func(w *world) {
		pod := w.securePod("tls", newCA(w.t, "Harbour").issue("a", "a"))
		asking := ingressFor(object{}, "backend-protocol: auto_http", "ssl-redirect: false")
		w.apply("chat", serviceOf("chat", "")+separator+endpointSlice("chat", "1", pod.at(), ""), asking)
		w.open(secure)
		w.wantPage(200, "", "https://chat.example.com/page")
		w.wantPage(400, "", "chat.example.com/page") // so says a server that is spoken to in the clear and wants TLS
		w.apply("chat", w.service("chat", "clear"), asking)
		w.wantAll("clear", echo)
		w.wantRefused(502, "ConnectFailed", secure)
	})
}

func TestOtherProtocolsOfEndpointsAreTold(t *testing.T) {
	story(t, func(w *world) {
		w.apply("chat", w.service("chat", "a"), ingressFor(object{}, "backend-protocol: GRPC", "proxy-http-version: 1.0", "connection-proxy-header: close"))
		w.open(echo)
		for _, name := range []string{"backend-protocol", "proxy-http-version", "connection-proxy-header"} {
			w.toldThat("UnsupportedAnnotation", name)
		}
	})
}

func TestAWebSocketRouteVerifiesItsEndpoints(t *testing.T) {
	story(t, func(w *world) {
		ours := newCA(w.t, "Harbour")
		pod := w.securePod("a", ours.issue("a", "chat.internal"))
		service := serviceOf("chat", "") + separator + endpointSlice("chat", "1", pod.at(), "")
		trusted := secretOf("backend-ca", "ca.crt", ours.pem())
		serve := func(mode string) {
			w.apply("chat", service, trusted, webSocketRoute("chat", `
  rules: [{backends: [{name: chat, port: 80}]}]
  policy: {backendTLS: {`+mode+`}}
`))
		}
		serve("mode: SkipVerify")
		w.open(echo)
		serve("mode: Verify, serverName: chat.internal, caSecretName: backend-ca")
		w.open(echo)
		serve("mode: Verify, serverName: other.internal, caSecretName: backend-ca")
		w.wantRefused(502, "ConnectFailed", echo)
	})
}
