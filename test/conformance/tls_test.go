package conformance

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		w.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.Fatal(err)
	}
	err = plane.Client.Create(context.WithoutCancel(w.Context()), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: secret}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		},
	})
	if err != nil {
		w.Fatal(err)
	}
}
