//go:build linux

package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Host is the name that clients ask for and the proxies' certificate is made out to.
const Host = "bench.localhost"

// clientConfig is the TLS that clients speak: the same cheap choice with every proxy. There is no
// session cache, so that every handshake is a full one.
func clientConfig() *tls.Config {
	return &tls.Config{
		ServerName: Host, InsecureSkipVerify: true, //nolint:gosec // the certificate was made a moment ago
		MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}, NextProtos: []string{"http/1.1"},
	}
}

// dialSecure connects client n and makes the TLS handshake.
func dialSecure(ctx context.Context, proxy netip.AddrPort, n int, config *tls.Config) (*tls.Conn, *recordConn, error) {
	dialer := net.Dialer{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) { err = prepare(int(fd), n) }), err)
	}}
	tcp, err := dialer.DialContext(ctx, "tcp4", proxy.String())
	if err != nil {
		return nil, nil, err
	}
	framed := &recordConn{Conn: tcp}
	conn := tls.Client(framed, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = tcp.Close()
		return nil, nil, err
	}
	if suite := conn.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		_ = tcp.Close()
		return nil, nil, fmt.Errorf("the proxy chose %s, which is not what the others get", tls.CipherSuiteName(suite))
	}
	return conn, framed, nil
}

// detach makes a TLS handshake and takes the socket away from crypto/tls and net: a descriptor and
// the record layer for it.
func detach(ctx context.Context, proxy netip.AddrPort, n int) (int, *records, error) {
	var secrets bytes.Buffer
	config := clientConfig()
	config.KeyLogWriter = &secrets
	_, framed, err := dialSecure(ctx, proxy, n, config)
	if err != nil {
		return -1, nil, err
	}
	defer framed.Close() //nolint:errcheck // its descriptor lives on
	layer, err := fromKeyLog(&secrets)
	if err != nil {
		return -1, nil, err
	}
	tcp, ok := framed.Conn.(*net.TCPConn)
	if !ok {
		return -1, nil, errors.New("not a TCP connection")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, nil, err
	}
	fd := -1
	var failed error
	err = raw.Control(func(from uintptr) { fd, failed = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, layer, errors.Join(err, failed)
}

// fromKeyLog finds the traffic secrets in a key log (NSS format: label, client random, secret).
func fromKeyLog(log *bytes.Buffer) (*records, error) {
	found := map[string][]byte{}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		words := bytes.Fields(lines.Bytes())
		if len(words) != 3 {
			continue
		}
		secret, err := hex.DecodeString(string(words[2]))
		if err != nil {
			return nil, err
		}
		found[string(words[0])] = secret
	}
	client, server := found["CLIENT_TRAFFIC_SECRET_0"], found["SERVER_TRAFFIC_SECRET_0"]
	if client == nil || server == nil {
		return nil, errors.New("the TLS handshake left no traffic secrets")
	}
	return newRecords(client, server)
}

// recordConn never gives crypto/tls more than the record that it is reading, so that nothing
// behind the handshake ends up in its buffer.
type recordConn struct {
	net.Conn
	header [recordHeader]byte
	have   int // bytes of the header
	left   int // bytes of the record's body
}

func (c *recordConn) Read(b []byte) (int, error) {
	limit := c.left
	if limit == 0 {
		limit = recordHeader - c.have
	}
	n, err := c.Conn.Read(b[:min(len(b), limit)])
	if c.left > 0 {
		c.left -= n
		return n, err
	}
	copy(c.header[c.have:], b[:n])
	if c.have += n; c.have == recordHeader {
		c.have, c.left = 0, int(binary.BigEndian.Uint16(c.header[3:]))
	}
	return n, err
}
