package conformance

import (
	"crypto/tls"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead/fairlead/test/pki"
)

const tlsRules = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: tls}
spec:
  ingressClassName: fairlead
  tls:
  - {hosts: [precise.tls.test], secretName: precise}
  - {hosts: ["*.tls.test"], secretName: wildcard}
  rules:
  - host: precise.tls.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
  - host: "*.tls.test"
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
`

// TestTLS wants each host to have the certificate that its Ingress names, and plain requests to go to https.
func TestTLS(t *testing.T) {
	w := given(t, "app")
	w.certificate("precise", "precise.tls.test")
	w.certificate("wildcard", "*.tls.test")
	w.apply(tlsRules)
	w.served("tls")
	for server, name := range map[string]string{"precise.tls.test": "precise.tls.test", "other.tls.test": "*.tls.test"} {
		w.eventually(server+" has its certificate", func() error {
			conn, err := (&tls.Dialer{Config: &tls.Config{ServerName: server, InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", secure) //nolint:gosec // it is looked at here
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }() // only the handshake matters
			if got := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0]; got != name {
				return fmt.Errorf("it is for %s", got)
			}
			return nil
		})
	}
	w.visits(visit{"https://precise.tls.test/socket", "app"}, visit{"https://other.tls.test/socket", "app"})
	if got, err := request(t.Context(), "http://precise.tls.test/page"); got != "308" || err != nil {
		t.Errorf("a page in the clear: %s, %v", got, err)
	}
	if got, err := socket(t.Context(), "http://precise.tls.test/socket"); got != "app" || err != nil {
		t.Errorf("a socket in the clear: %s, %v", got, err)
	}
}

// certificate makes a Secret with a self-signed certificate for a name.
func (w *world) certificate(secret, name string) {
	w.Helper()
	pair := pki.SelfSigned(w, name)
	err := plane.Client.Create(w.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: secret}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: pair.CertPEM(), corev1.TLSPrivateKeyKey: pair.KeyPEM(w)},
	})
	if err != nil {
		w.Fatal(err)
	}
}
