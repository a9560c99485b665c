package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy/model"
)

// keyPair makes a certificate for the host.
func keyPair(t *testing.T) model.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return model.Certificate{
		Name: "prod/chat-tls", Hosts: []string{host},
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// secure opens a socket over TLS and reports whether the session was resumed.
func (r *replica) secure(tickets tls.ClientSessionCache) (*socket, bool) {
	r.t.Helper()
	_, at, _ := r.Addrs()
	d := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, ServerName: host, ClientSessionCache: tickets,
	}}
	conn, answer, err := d.Dial("wss://"+at.String()+"/", map[string][]string{"Host": {host}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return &socket{conn, r.t, answer}, conn.UnderlyingConn().(*tls.Conn).ConnectionState().DidResume
}

// A node is rolled: its clients come back to another replica, and with shared keys each of them is
// spared the certificate. A certificate that is rotated meanwhile is seen by all of them.
func TestClientsOfAReplicaThatLeavesResumeAtAnother(t *testing.T) {
	p := newPod(t, "a")
	config := service(p)
	config.Certificates = []model.Certificate{keyPair(t)}
	first, second, stranger := start(t), start(t), start(t)
	for _, r := range []*replica{first, second, stranger} {
		r.publish(config)
	}
	keys := [][32]byte{{1}, {2}}
	first.SetTicketKeys(keys)
	second.SetTicketKeys(keys)

	tickets := tls.NewLRUClientSessionCache(1)
	s, resumed := first.secure(tickets)
	if got := s.say("hello"); resumed || got != "a: hello" {
		t.Fatalf("resumed: %t, %q", resumed, got)
	}
	first.stop()
	if got := s.code(); got != websocket.CloseGoingAway {
		t.Errorf("closed with %d", got)
	}
	again, resumed := second.secure(tickets)
	if got := again.say("back"); !resumed || got != "a: back" {
		t.Errorf("resumed at another replica: %t, %q", resumed, got)
	}

	config.Certificates = []model.Certificate{keyPair(t)}
	second.publish(config)
	if _, resumed := second.secure(tickets); resumed {
		t.Error("a client does not see the new certificate")
	}
	if got := again.say("still here"); got != "a: still here" {
		t.Errorf("heard %q", got)
	}

	alone := tls.NewLRUClientSessionCache(1)
	here, _ := second.secure(alone)
	here.say("hello")
	if _, resumed := stranger.secure(alone); resumed {
		t.Error("resumed where the keys are not known")
	}
}
