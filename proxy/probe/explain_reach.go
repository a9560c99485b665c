package probe

import (
	"fmt"
	"strings"
)

func (s *scene) nameNotFound() {
	host := s.at.host
	s.say("the name %s does not exist.", host)
	s.why("No name server knows an address of it. Either the record is missing, or it is known only inside a network (split DNS, a cluster's own names).")
	s.change("DNS", "an A or AAAA record (or a CNAME) for "+host+" that points to the load balancer;", "kubectl get ingress -A shows the addresses that it should have")
	if strings.HasSuffix(host, ".svc.cluster.local") || strings.HasSuffix(host, ".svc") {
		s.note("%s is a name of a Kubernetes Service: it exists only inside the cluster", host)
	}
}

func (s *scene) nameFailed() {
	s.say("the name %s could not be looked up.", s.at.host)
	s.why("The name servers gave no usable answer: %s. That is a fault of the resolver or of the zone, not of the service.", printable(rootCause(s.seen.err).Error()))
	s.change("DNS", "dig "+s.at.host+"   # and look at the name servers of the zone, DNSSEC, and /etc/resolv.conf here")
}

func (s *scene) connectRefused() {
	s.say("%s refused the connection: nothing listens there.", s.seen.address)
	s.why("The machine is there and answers that the port is closed.")
	s.change("the address", "is the port right? ws:// is 80 and wss:// is 443 unless the URL says otherwise")
	s.change("Kubernetes", "kubectl get svc -A   # does the controller's Service have this port, and ready pods behind it?", "# a Service with externalTrafficPolicy: Local refuses on nodes without a pod")
}

func (s *scene) connectTimeout() {
	s.say("%s did not answer.", s.seen.address)
	s.why("A packet was sent and nothing came back for %v: a firewall or security group drops it, the address is not reachable from here, or the load balancer has no healthy target.", s.o.Timeout)
	s.change("the firewall", "let TCP port "+s.at.port+" in, from where the clients are")
	s.change("the load balancer", "look at its listeners and at the health of its targets")
}

func (s *scene) connectFailed() {
	s.say("there is no way to %s.", s.seen.address)
	s.why("The system said: %s. A machine without IPv6 says so of IPv6 addresses.", printable(rootCause(s.seen.err).Error()))
}

func (s *scene) notTLS() {
	s.say("the port %s speaks no TLS, but wss:// needs it.", s.at.port)
	s.why("The server answered the beginning of TLS with something else (%q). Plain HTTP listens there, or the load balancer passes TCP on to a plain port.", s.seen.raw)
	s.change(clientSoftware, "ws:// if it is really meant to be in the clear, or the port of TLS")
	s.change(nginx, "listen 443 ssl;   # without ssl, port 443 speaks plain HTTP")
	s.change("AWS NLB or ELB", "an https (ALB) or TLS (NLB) listener with a certificate, or TCP to the controller's https port", "service.beta.kubernetes.io/aws-load-balancer-backend-protocol must fit the port behind")
	s.change(fairlead, "the Service must lead 443 to --https-address, not to --http-address")
}

func (s *scene) tlsRefused() {
	s.say("the TLS handshake failed.")
	switch s.seen.alert {
	case alertUnrecognizedName:
		s.why("The server knows no site of the name %s and says so (alert unrecognized_name).", s.at.host)
		s.changes(ownCertificate(s.at.host))
	case alertProtocolVersion:
		s.why("The server speaks no TLS version that is still in use (the probe offers 1.2 and 1.3).")
		s.change("the server", "turn TLS 1.2 and 1.3 on")
	case alertHandshakeFailure:
		s.why("The server found no common parameters (alert handshake_failure): often it has no certificate for the name %s, or only ciphers that are no longer safe.", s.at.host)
		s.changes(ownCertificate(s.at.host))
	case alertNoApplication:
		s.why("The server does not take http/1.1 by ALPN. A WebSocket needs it (or RFC 8441, which few proxies speak).")
		s.change("the server", "add http/1.1 to its ALPN protocols: nginx has it always, HAProxy wants \"alpn h2,http/1.1\", Envoy alpn_protocols: [h2, http/1.1]")
	default:
		s.why("The server ended it without saying why: %s. A proxy that chooses by SNI does that for a name that it doesn't know, and so does one that waits for PROXY protocol in front.", how(s.seen.err))
		s.change(everyProxy, fmt.Sprintf("is %s configured there? Is PROXY protocol on at one side only?", s.at.host))
	}
}

func (s *scene) tlsTimeout() {
	s.say("the server took the connection but never answered the TLS handshake.")
	s.why("That happens when the port expects something else first (PROXY protocol, another protocol), when the proxy waits for an endpoint to which it passes TLS through, or when the path loses large packets (MTU).")
	s.change("the load balancer", "PROXY protocol must be on at both sides or at none (Fairlead --proxy-protocol, nginx \"listen … proxy_protocol\", ingress-nginx use-proxy-protocol)")
}

func (s *scene) clientCertNeeded() {
	s.say("the server wants a client certificate.")
	s.why("This host is guarded by mutual TLS. The probe has none to show; browsers ask the user for one.")
	if s.a.Answer != nil {
		s.ours()
	}
	s.change(ingressNginx, "nginx.ingress.kubernetes.io/auth-tls-verify-client: optional   # if it should be asked for only")
	s.change(fairlead, "the auth-tls-* annotations of the Ingress say who must show one")
}

func (s *scene) http2Only() {
	s.say("the server speaks HTTP/2 only.")
	s.why("A WebSocket handshake is HTTP/1.1 (RFC 6455). Over HTTP/2 it is an extended CONNECT (RFC 8441), which browsers use only if the server offers both. Such ports usually serve gRPC.")
	s.change("the server", "speak HTTP/1.1 too: ALPN h2 and http/1.1, or a port without prior knowledge of h2c")
	s.change("Kubernetes", "appProtocol: kubernetes.io/ws (not kubernetes.io/h2c) on the Service's port")
	s.change(alb, "target group with protocol version HTTP1")
	s.change(ingressNginx, "nginx.ingress.kubernetes.io/backend-protocol: HTTP   # not GRPC")
}

// faultSummary tells all faults of the certificate.
func (s *scene) faultSummary() {
	var list []string
	for _, f := range s.seen.faults {
		list = append(list, f.text)
	}
	s.say("the certificate is refused: %s.", strings.Join(list, "; "))
	if !s.o.Insecure {
		s.note("browsers give no details of a WebSocket that fails for its certificate: open https://%s/ in a tab to see them", s.at.authority())
	}
}

func (s *scene) certDefault() {
	s.faultSummary()
	by := standIn(s.seen.chain[0])
	s.why("%s has no certificate for %s, so it shows the one that it made itself. The Secret is missing, in another namespace, of another type or broken, or no Ingress names the host under spec.tls.", by, s.at.host)
	s.changes(ownCertificate(s.at.host))
	s.change("Kubernetes", "kubectl get events -A | grep -i -E 'tls|secret|certificate'", "kubectl get certificate -A   # with cert-manager: is it Ready?")
}

func (s *scene) certWrongName() {
	s.faultSummary()
	s.why("Another site's certificate was shown: the name is not configured there, or DNS points to another server.")
	if tooDeep(s.seen.chain[0], s.at.host) {
		s.why("A wildcard stands for exactly one label: *.example.com is not for a.b.example.com nor for example.com itself.")
	}
	s.changes(ownCertificate(s.at.host))
}

func (s *scene) certExpired() {
	s.faultSummary()
	s.why("A certificate is renewed in time or all clients fail at once. If it was renewed, the server still shows the old one. If it is \"not yet valid\", look at the clock here.")
	s.change("Kubernetes", "kubectl get certificate,order,challenge -A   # with cert-manager: why was it not renewed?")
	s.change(nginx, "nginx -s reload   # after a renewal; Fairlead takes a new Secret by itself")
}

func (s *scene) certSelfSigned() {
	s.faultSummary()
	s.why("Clients can't know whose it is. For tests let the client trust it (--ca FILE here); browsers need it in their store.")
	s.change(everyProxy, "a certificate of an authority that the clients trust (cert-manager with Let's Encrypt, or the company's)")
}

func (s *scene) certIncomplete() {
	s.faultSummary()
	s.why("The server sends its own certificate only. Browsers may know the missing one from elsewhere, so that the page works there while Go, Java, Python, curl and mobile apps fail.")
	s.changes(fullChain)
}

func (s *scene) certUnknownCA() {
	s.faultSummary()
	s.why("It is of a private authority, or of a TLS-inspecting proxy on the way. Clients need that authority's certificate (--ca FILE here).")
	s.change(clientSoftware, "trust the authority: --ca ca.pem here, NODE_EXTRA_CA_CERTS for Node.js, SSL_CERT_FILE for Go and OpenSSL")
}

func (s *scene) certNotAccepted() {
	s.faultSummary()
	s.why("Most clients refuse it for the same reason.")
}

func (s *scene) needsTLS() {
	s.say("the port %s speaks TLS, but ws:// is in the clear.", s.at.port)
	s.why("The server expected a TLS handshake and got a plain request.")
	s.change(clientSoftware, s.at.onSamePort(true).String())
	s.change("the load balancer", "if it ends TLS itself, it must lead to the plain port behind (targetPort: http),", "or speak TLS to the port that wants it")
}

func (s *scene) notHTTP() {
	s.say("what answers there is no HTTP server.")
	s.why("The answer is not HTTP/1.1. Another service listens on this port.")
	s.change(clientSoftware, "check host and port")
}

func (s *scene) noAnswerText() {
	s.say("the request went out and no answer came within %v.", s.o.Timeout)
	s.why("Something took the request and waits: an endpoint that is stuck or starts, a proxy whose endpoint doesn't answer (it gives 504 after its own timeout, 60 s with nginx), or a port that expects PROXY protocol first.")
	s.change(application, "does it answer the same path inside the cluster? kubectl port-forward, then fairlead probe ws://127.0.0.1:PORT"+s.at.uri)
}

func (s *scene) closedEarly() {
	s.say("the server ended the connection instead of answering.")
	s.why("It was %s. A web application firewall or a proxy that filters, a server that crashed on the request, a port that speaks TLS or expects PROXY protocol do that.", how(s.seen.err))
	if !s.at.secure {
		s.change(clientSoftware, "if it is a TLS port: "+s.at.onSamePort(true).String())
	}
	s.change("the server's log", "has what it disliked; Fairlead and nginx log at level info when a request can't be read")
}
