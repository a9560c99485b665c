package feature

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/chat"
)

// secret returns the manifest of a TLS Secret for the names; its certificate calls itself title.
func secret(t *testing.T, name, title string, hosts ...string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: title}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: %s}
type: kubernetes.io/tls
data: {tls.crt: %s, tls.key: %s}
`, name, encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER))
}

// withTLS adds a tls section to an Ingress.
func withTLS(ingress, secretName, host string) string {
	return ingress + fmt.Sprintf("  tls: [{hosts: [%q], secretName: %s}]\n", host, secretName)
}

func TestACertificateIsRotatedUnderAnOpenSocket(t *testing.T) {
	w := newWorld(t)
	route := withTLS(ingress(), "chat-tls", "chat.example.com")
	w.apply("chat", route, w.service("chat", "a"), secret(t, "chat-tls", "first", "chat.example.com"))
	before, shown := w.openTLS("chat.example.com")
	if shown != "first" {
		t.Errorf("shown %q", shown)
	}
	w.apply("chat", route, w.service("chat", "a"), secret(t, "chat-tls", "second", "chat.example.com"))
	before.echoes()
	after, shown := w.openTLS("chat.example.com")
	if shown != "second" {
		t.Errorf("after the rotation %q is shown", shown)
	}
	after.echoes()
}

func TestAWildcardCertificateServesOneLabel(t *testing.T) {
	w := newWorld(t)
	hosts := strings.ReplaceAll(ingress(), "chat.example.com", "'*.example.com'")
	w.apply("chat", withTLS(hosts, "star", "*.example.com"), w.service("chat", "a"), secret(t, "star", "star", "*.example.com"))
	if _, shown := w.openTLS("any.example.com"); shown != "star" {
		t.Errorf("shown %q", shown)
	}
}

func TestABrokenSecretIsToldAndTheHostStaysUp(t *testing.T) {
	w := newWorld(t)
	broken := "apiVersion: v1\nkind: Secret\nmetadata: {name: chat-tls}\ntype: kubernetes.io/tls\ndata: {tls.crt: bm8=, tls.key: bm8=}\n"
	w.apply("chat", withTLS(ingress("fairlead.dev/ssl-redirect: 'false'"), "chat-tls", "chat.example.com"), w.service("chat", "a"), broken)
	w.open(echo).echoes()
	if _, shown := w.openTLS("chat.example.com"); shown != "Fairlead Default Certificate" {
		t.Errorf("shown %q", shown)
	}
	w.toldThat("InvalidCertificateRef", "Ingress default/chat", "chat-tls")
}

func TestPlainPagesGoToHTTPSWhereThereIsACertificate(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", withTLS(ingress(), "chat-tls", "chat.example.com"), w.service("chat", "a"), secret(t, "chat-tls", "x", "chat.example.com"))
	answer, _ := w.fetch("chat.example.com/page?a=b")
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusPermanentRedirect || got != "https://chat.example.com/page?a=b" {
		t.Errorf("%d to %q", answer.StatusCode, got)
	}
	w.open(echo).echoes() // WebSocket clients don't follow redirects
}

func TestEndpointsThatSpeakTLS(t *testing.T) {
	pod, err := chat.Listen("127.0.0.1:0", chat.Options{Pod: "secure"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pod.Close)
	secure := httptest.NewTLSServer(pod)
	t.Cleanup(func() { secure.CloseClientConnections(); secure.Close() })
	at := netip.MustParseAddrPort(secure.Listener.Addr().String())
	service := func(appProtocol string) string {
		return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {ports: [{name: ws, port: 443%s}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: chat-1, labels: {kubernetes.io/service-name: chat}}
addressType: IPv4
ports: [{name: ws, port: %d}]
endpoints: [{addresses: [%s]}]
`, appProtocol, at.Port(), at.Addr())
	}
	for said, manifests := range map[string][]string{
		"appProtocol": {ingress(), service(", appProtocol: kubernetes.io/wss")},
		"annotation":  {ingress("nginx.ingress.kubernetes.io/backend-protocol: HTTPS"), service("")},
	} {
		w := newWorld(t)
		w.apply("chat", manifests...)
		if pod := w.open(echo).pod(); pod != "secure" {
			t.Errorf("by %s: %q", said, pod)
		}
		if answer, _ := w.fetch("chat.example.com/page"); answer.StatusCode != 200 {
			t.Errorf("a plain request over TLS, by %s: %d", said, answer.StatusCode)
		}
	}
}
