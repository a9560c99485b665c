package backend

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/secure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait that should not happen; brief the waits that are the point of a story.
const (
	patience = 10 * time.Second
	brief    = 100 * time.Millisecond
)

const (
	exampleKey = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455 section 1.3
	good101    = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// calm are timeouts that no story should reach.
var calm = Timeouts{Connect: patience, Handshake: patience}

// chat is the request that most stories send.
func chat() *Request {
	return &Request{
		Method: "GET", URI: "/chat?room=1", Host: "chat.example.com:8080", Upgrade: "websocket", Key: exampleKey,
	}
}

// endpoint listens on loopback and plays script for every connection, which it then closes.
func endpoint(t *testing.T, script func(net.Conn)) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return play(t, listener, script)
}

// secureEndpoint is endpoint with TLS; names receives the SNI of every handshake.
func secureEndpoint(t *testing.T, names chan<- string, script func(net.Conn)) netip.AddrPort {
	t.Helper()
	certificate := selfSigned(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			names <- hello.ServerName
			return certificate, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return play(t, listener, script)
}

func play(t *testing.T, listener net.Listener, script func(net.Conn)) netip.AddrPort {
	t.Helper()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(patience))
				script(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

// endpoints compiles how TLS is spoken.
func endpoints(t testing.TB, says model.BackendTLS) *secure.Endpoints {
	t.Helper()
	e, err := secure.NewEndpoints(says)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// readRequest reads a request's head, to the blank line.
func readRequest(conn net.Conn) string {
	var head strings.Builder
	reader := bufio.NewReader(conn)
	for {
		line, err := reader.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String()
		}
	}
}

// answering is a script that answers with raw and stays until the other end goes.
func answering(raw string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, raw)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// silent is a script that takes the request and says nothing until the other end goes.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// upgrade is Upgrade for stories that succeed.
func upgrade(t *testing.T, e Endpoint, r *Request, timeouts Timeouts) *Answer {
	t.Helper()
	answer, err := Upgrade(t.Context(), e, r, timeouts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Close() })
	return answer
}

// wantFailure compares the failure of an upgrade.
func wantFailure(t *testing.T, answer *Answer, err error, reason model.Reason, status int, retry bool) {
	t.Helper()
	var failure *Failure
	if answer != nil || !errors.As(err, &failure) {
		t.Fatalf("got %v, %v, want a failure with %s", answer, err, reason)
	}
	if failure.Refusal.Reason != reason || failure.Refusal.Status != status || failure.Retry != retry {
		t.Errorf("failed with %d %v, retry %t; want %d %s, retry %t",
			failure.Refusal.Status, failure, failure.Retry, status, reason, retry)
	}
}

// cancelWhen returns a context that ends when ready does.
func cancelWhen(t *testing.T, ready <-chan struct{}) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-ready:
		case <-time.After(patience):
		}
		cancel()
	})
	t.Cleanup(waiting.Wait)
	return ctx
}
