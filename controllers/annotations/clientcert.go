package annotations

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

var nginxClientCertRows = []Row{
	{
		Name: "auth-tls-secret", Type: typeSecret, Default: "none", Example: "prod/client-ca", Guards: true,
		Doc:     "Asks clients of the Ingress's hosts for a certificate, on all paths of all Ingresses there; the Secret has the authorities in ca.crt. Without a verified one, requests are answered 400. While it can't be read, the paths are answered with 503.",
		Differs: "A request in the clear is refused too, and other Ingresses of the host may ask for certificates of other authorities.",
		WhenSet: true,
		sets:    []string{"ClientCertSecret"}, parse: reference(NginxPrefix+"auth-tls-secret", func(d *draft, r *Ref) { d.ClientCertSecret = r }),
	}, {
		Name: "auth-tls-verify-client", Type: "on, off, optional or optional_no_ca", Default: "on", Example: "optional", Guards: true, needs: needClientCert,
		Doc:  "optional lets clients without a certificate in, optional_no_ca everybody; the endpoint is told in Ssl-Client-Verify.",
		sets: []string{"ClientCert.Mode", "ClientCertOff"}, parse: verifyClient,
	}, {
		Name: "auth-tls-verify-depth", Type: typeCount, Default: "1", Example: "2", Guards: true, needs: needClientCert,
		Doc:  "Longest chain from a client's certificate to an authority; 0 is 1.",
		sets: []string{"ClientCert.Depth"}, parse: whole(0, maxDepth, func(d *draft, n int) { d.ClientCert.Depth = n }),
	}, {
		Name: "auth-tls-match-cn", Type: "CN= and a regular expression", Default: "any", Example: "CN=chat-.*", Guards: true, needs: needClientCert,
		Doc:     "What the subject's common name must match; others are answered 403.",
		Differs: "The syntax is RE2, and it is matched against CN=name alone, not against the whole subject.",
		WhenSet: true,
		sets:    []string{"ClientCert.MatchCN"}, parse: matchCN,
	}, {
		Name: "auth-tls-pass-certificate-to-upstream", Type: typeBool, Default: "false", Example: "true", needs: needClientCert,
		Doc:  "Sends the certificate to the endpoint, as URL-escaped PEM in Ssl-Client-Cert.",
		sets: []string{"ClientCert.PassToEndpoint"}, parse: boolean(func(d *draft, b bool) { d.ClientCert.PassToEndpoint = b }),
	}, {
		Name: "auth-tls-error-page", Type: "URL", Default: "none, the answer is 400", Example: "https://example.com/certificates", needs: needClientCert,
		Doc:     "Where plain requests without a verified certificate are sent to (302).",
		Differs: "A WebSocket handshake gets the 400.",
		WhenSet: true,
		sets:    []string{"ClientCert.ErrorPage"}, parse: func(value string, d *draft) error {
			err := checkURL(value)
			if err == nil {
				d.ClientCert.ErrorPage = value
			}
			return err
		},
	},
}

// maxDepth bounds chains of certificates, as OpenSSL does by default.
const maxDepth = 100

func verifyClient(value string, d *draft) error {
	modes := map[string]model.ClientCertMode{
		"on": model.RequireCert, "off": model.UnverifiedCert, "optional": model.OptionalCert, "optional_no_ca": model.UnverifiedCert,
	}
	mode, found := modes[value]
	if !found {
		return fmt.Errorf("%q is none of on, off, optional and optional_no_ca", value)
	}
	d.ClientCert.Mode, d.ClientCertOff = mode, value == "off"
	return nil
}

func matchCN(value string, d *draft) error {
	if !strings.HasPrefix(value, "CN=") {
		return fmt.Errorf("%q doesn't begin with CN=", value)
	}
	if _, err := regexp.Compile(value); err != nil {
		return fmt.Errorf("%q: %w (RE2 syntax: no look-around, no back-references)", value, err)
	}
	d.ClientCert.MatchCN = value
	return nil
}
