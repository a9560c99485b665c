//go:build linux && !portable

package tunnel_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// rekeying is a TLS 1.3 client's sending half that changes its keys when it likes, which crypto/tls
// never does (RFC 8446 section 4.6.3).
type rekeying struct {
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	number uint64
	out    []byte
}

func newRekeying(t *testing.T, keyLog string) *rekeying {
	for line := range bytes.Lines([]byte(keyLog)) {
		if f := bytes.Fields(line); string(f[0]) == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(string(f[2]))
			if err != nil {
				t.Fatal(err)
			}
			r := &rekeying{secret: secret}
			r.rekey()
			return r
		}
	}
	t.Fatal("no secret was logged")
	return nil
}

// expand is HKDF-Expand-Label (RFC 8446 section 7.1).
func (r *rekeying) expand(label string, size int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(info, byte(len("tls13 "+label)))
	info = append(append(info, "tls13 "+label...), 0)
	out, err := hkdf.Expand(sha256.New, r.secret, string(info), size)
	if err != nil {
		panic(err)
	}
	return out
}

func (r *rekeying) rekey() {
	block, err := aes.NewCipher(r.expand("key", 16))
	if err != nil {
		panic(err)
	}
	if r.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
	r.iv, r.number = r.expand("iv", 12), 0
}

// record seals a record of a content type (RFC 8446 section 5.2).
func (r *rekeying) record(contentType byte, p ...byte) {
	nonce := bytes.Clone(r.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^r.number)
	r.number++
	head := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(p)+1+16))
	r.out = append(r.out, head...)
	r.out = r.aead.Seal(r.out, nonce, append(p, contentType), head)
}

// update changes the keys and asks the other end to do so too.
func (r *rekeying) update() {
	r.record(22, 24, 0, 0, 1, 1)
	r.secret = r.expand("traffic upd", 32)
	r.rekey()
}

// A client asks for new keys again and again, and doesn't read the answers. It is held up when a
// little of them has gathered; when it reads again all goes on.
func TestUnreadAnswersOfTLSHoldTheClientUp(t *testing.T) {
	const many, most = 80_000, 256 << 10
	far, below := plain(t)
	_, _ = far.(*net.TCPConn).SetReadBuffer(16<<10), below.(*net.TCPConn).SetWriteBuffer(16<<10)
	var keyLog bytes.Buffer
	c := tls.Client(far, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &keyLog})
	near := tls.Server(loop.NewConn(below, nil), &tls.Config{Certificates: []tls.Certificate{certificate()}, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	if err := errors.Join(near.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	if c.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("without AES in hardware other ciphers are preferred")
	}
	r := newRekeying(t, keyLog.String())
	ends := []net.Conn{near, far}
	s := start(t, func(t testing.TB) (net.Conn, net.Conn) {
		if ends == nil {
			return plain(t)
		}
		defer func() { ends = nil }()
		return ends[1], ends[0]
	}, tunnel.Spec{Close: patience})
	for i := range many {
		r.update()
		if i%8 == 0 { // without a byte between, crypto/tls gives up after 16
			r.record(23, 'x')
		}
	}
	sent, rest := make(chan error, 1), s.client
	go func() {
		_, err := rest.Write(r.out)
		sent <- err
	}()
	last, still := uint64(0), 0
	eventually(t, "the tunnel takes everything", func() bool {
		time.Sleep(10 * time.Millisecond)
		up, _ := s.tunnel.Traffic()
		if still++; up.Bytes != last || last == 0 {
			last, still = up.Bytes, 0
		}
		return still == 20
	})
	if memory, _ := s.tunnel.Held(); memory > most || last == many/8 {
		t.Errorf("the tunnel holds %d bytes of answers, after %d of %d bytes", memory, last, many/8)
	}
	go func() { _, _ = io.Copy(io.Discard, s.client) }()
	s.receive(s.endpoint, bytes.Repeat([]byte("x"), many/8))
	if err := <-sent; err != nil {
		t.Error(err)
	}
	s.tunnel.Kill(drain)
	s.end()
}
