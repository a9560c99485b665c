package annotations

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

var backendProtocols = []option[model.Scheme]{
	{"http", model.Plain}, {"ws", model.Plain}, {"https", model.Secure}, {"wss", model.Secure},
}

var nginxBackendRows = []Row{
	{
		Name: "backend-protocol", Type: "HTTP, HTTPS or AUTO_HTTP", Default: "appProtocol of the Service port, else HTTP", Example: "HTTPS",
		Doc:     "HTTPS speaks TLS to the endpoints; AUTO_HTTP does as the client does.",
		Differs: "GRPC, GRPCS and FCGI are refused, and HTTP is spoken.",
		sets:    []string{"Scheme"}, parse: nginxBackendProtocol,
	}, {
		Name: "proxy-http-version", Type: "1.1", Default: "1.1", Example: "1.1",
		Doc:     "Endpoints are always spoken to in HTTP/1.1.",
		Differs: "1.0 is refused: no upgrade comes through with it.",
		parse: func(value string, _ *draft) error {
			if value != "1.1" {
				return fmt.Errorf("HTTP %q towards endpoints is %w: WebSocket upgrades need 1.1", value, errUnsupported)
			}
			return nil
		},
	}, {
		Name: "proxy-ssl-secret", Type: typeSecret, Default: "none", Example: "prod/backend-ca",
		Doc:  "For TLS to endpoints: a Secret with authorities in ca.crt, and tls.crt and tls.key that the proxy shows of itself.",
		sets: []string{"BackendTLSSecret"}, parse: reference(NginxPrefix+"proxy-ssl-secret", func(d *draft, r *Ref) { d.BackendTLSSecret = r }),
	}, {
		Name: "proxy-ssl-verify", Type: typeOnOff, Default: "off", Example: "on",
		Doc:     "Verifies the certificates of endpoints.",
		Differs: "It counts without proxy-ssl-secret too, with the authorities of the proxy's system; there, it has no effect then. It is told.",
		sets:    []string{"BackendTLS.Verify"}, parse: onOff(func(d *draft, b bool) { d.BackendTLS.Verify = b }),
	}, {
		Name: "proxy-ssl-verify-depth", Type: typeCount, Default: "1", Example: "2",
		Doc:     "Most certificates between that of an endpoint and an authority.",
		Differs: "Without it there is no bound.",
		sets:    []string{"BackendTLS.Depth"}, parse: whole(0, maxDepth, func(d *draft, n int) { d.BackendTLS.Depth = max(n, 1) }),
	}, {
		Name: "proxy-ssl-name", Type: "host", Default: "the Host that the endpoint gets", Example: "chat.internal",
		Doc:     "The name that is verified, and sent (SNI).",
		Differs: "Without it, upstream_balancer is verified there, which is nobody's name.",
		sets:    []string{"BackendTLS.ServerName"}, parse: serverName,
	}, {
		Name: "proxy-ssl-server-name", Type: typeOnOff, Default: "on", Example: "off",
		Doc:     "Sends the name of the endpoint in the TLS handshake (SNI).",
		Differs: "The default is off there.",
		sets:    []string{"BackendTLS.NoSNI"}, parse: onOff(func(d *draft, b bool) { d.BackendTLS.NoSNI = !b }),
	}, {
		Name: "proxy-ssl-protocols", Type: "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", Default: "TLSv1.2 TLSv1.3", Example: "TLSv1.3",
		Doc:     "TLS versions that endpoints are spoken to in: from the lowest to the highest that is named.",
		Differs: "The default is TLSv1.2 alone there. SSLv2 and SSLv3 count for nothing.",
		sets:    []string{"BackendTLS.MinVersion", "BackendTLS.MaxVersion"}, parse: sslProtocols,
	}, {
		Name: "proxy-ssl-ciphers", Type: "OpenSSL's list of ciphers", Default: "those of Go's crypto/tls", Example: "DEFAULT",
		Doc:     "Would name the ciphers that endpoints are spoken to with.",
		Differs: "It has no effect, which is told unless it is DEFAULT.",
		parse: text(maxTemplate, func(d *draft, s string) {
			if s != "DEFAULT" {
				d.differs("the ciphers are those that Go's crypto/tls considers safe; remove the annotation")
			}
		}),
	},
}

// backend-tls stands behind backend-protocol, because it says more.
var ourBackendRows = []Row{
	{
		Name: "protocols", Type: "list of WebSocket, HTTP", Default: "WebSocket, HTTP", Example: "WebSocket",
		Doc:  "What the paths serve. Without HTTP, plain requests are answered 426.",
		sets: []string{"Protocols"}, parse: protocols,
	}, {
		Name: "backend-protocol", Type: "http, ws, https or wss", Default: "appProtocol of the Service port, else http", Example: "https",
		Doc:  "https and wss speak TLS to the endpoints; backend-tls: verify checks their certificates.",
		sets: []string{"Scheme"}, parse: choice(backendProtocols, func(d *draft, s model.Scheme) { d.Scheme = &s }),
	}, {
		Name: "backend-tls", Type: "disable, verify or skip-verify", Default: "by appProtocol of the Service port, and skip-verify then", Example: "verify",
		Doc:  "Whether TLS is spoken to endpoints, and whether their certificates are verified.",
		sets: []string{"Scheme", "BackendTLS.Verify"}, parse: choice(backendModes, func(d *draft, m backendMode) {
			d.Scheme, d.BackendTLS.Verify = new(m.scheme), m.verify
		}),
	}, {
		Name: "backend-tls-server-name", Type: "host", Default: "the Host that the endpoint gets", Example: "chat.internal",
		Doc:  "The name that is sent (SNI) and verified.",
		sets: []string{"BackendTLS.ServerName"}, parse: serverName,
	}, {
		Name: "backend-tls-ca-secret", Type: "name of a Secret", Default: "the authorities of the proxy's system", Example: "backend-ca",
		Doc:  "A Secret of the Ingress's namespace with the authorities that endpoints are verified by, in ca.crt.",
		sets: []string{"BackendCASecret"}, parse: ownReference(OurPrefix+"backend-tls-ca-secret", func(d *draft, r *Ref) { d.BackendCASecret = r }),
	}, {
		Name: "backend-tls-client-cert-secret", Type: "name of a Secret", Default: "none", Example: "proxy-cert",
		Doc:  "A Secret of type kubernetes.io/tls of the Ingress's namespace: what the proxy shows of itself.",
		sets: []string{"BackendCertSecret"}, parse: ownReference(OurPrefix+"backend-tls-client-cert-secret", func(d *draft, r *Ref) { d.BackendCertSecret = r }),
	},
}

type backendMode struct {
	scheme model.Scheme
	verify bool
}

var backendModes = []option[backendMode]{
	{"disable", backendMode{model.Plain, false}}, {"verify", backendMode{model.Secure, true}}, {"skip-verify", backendMode{model.Secure, false}},
}

var protocolWords = []option[model.Protocols]{{"WebSocket", model.WebSocket}, {"HTTP", model.HTTP}}

func protocols(value string, d *draft) error {
	words, err := list(value)
	var set model.Protocols
	for _, word := range words {
		p, err := choose(protocolWords, word)
		if err != nil {
			return err
		}
		set |= p
	}
	if err == nil {
		d.Protocols = set
	}
	return err
}

func nginxBackendProtocol(value string, d *draft) error {
	switch strings.ToLower(value) {
	case "http":
		d.Scheme = new(model.Plain)
	case "https":
		d.Scheme = new(model.Secure)
	case "auto_http":
		d.Scheme = new(model.AsClient)
	case "grpc", "grpcs", "fcgi":
		return fmt.Errorf("%q is %w: write HTTP, HTTPS or AUTO_HTTP", value, errUnsupported)
	default:
		return fmt.Errorf("%q is none of HTTP, HTTPS and AUTO_HTTP", value)
	}
	return nil
}

func serverName(value string, d *draft) error {
	if len(value) > 253 || !domainName.MatchString(value) || strings.HasPrefix(value, ".") {
		return fmt.Errorf("%q is not a name such as chat.internal", value)
	}
	d.BackendTLS.ServerName = strings.ToLower(value)
	return nil
}

// tlsVersions are nginx's words for versions.
var tlsVersions = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
	"SSLv2": 0, "SSLv3": 0,
}

// protocolRange reads a list of versions as a range of those that there are.
func protocolRange(value string) (low, high uint16, err error) {
	var versions []uint16
	for word := range strings.FieldsSeq(value) {
		version, known := tlsVersions[word]
		if !known {
			return 0, 0, fmt.Errorf("%q is not a version such as TLSv1.2", word)
		}
		if version != 0 {
			versions = append(versions, version)
		}
	}
	if versions == nil {
		return 0, 0, fmt.Errorf("%q names no version that is still spoken: write TLSv1.2 TLSv1.3", value)
	}
	return slices.Min(versions), slices.Max(versions), nil
}

func sslProtocols(value string, d *draft) error {
	low, high, err := protocolRange(value)
	if err == nil {
		d.BackendTLS.MinVersion, d.BackendTLS.MaxVersion = low, high
	}
	return err
}

// unbacked tells of verification that begins here and had no effect in ingress-nginx.
func (p *parsing) unbacked() {
	w, found := p.wrote(NginxPrefix + "proxy-ssl-verify")
	if !found || !p.d.BackendTLS.Verify || p.d.BackendTLSSecret != nil || p.d.BackendCASecret != nil {
		return
	}
	p.note(reasonDiffers, w.key, "the certificates of endpoints are verified with the authorities of the proxy's system; ingress-nginx verifies nothing without proxy-ssl-secret: name a Secret with ca.crt there, or write off")
}
