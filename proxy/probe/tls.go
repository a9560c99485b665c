package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The alerts (RFC 8446 section 6) that say more than that it did not work.
const (
	alertHandshakeFailure    = 40
	alertProtocolVersion     = 70
	alertUnrecognizedName    = 112
	alertCertificateRequired = 116
	alertNoApplication       = 120
)

// startTLS does the TLS handshake of a wss:// URL and judges the certificate.
func (t *trial) startTLS(ctx context.Context) Finding {
	if !t.at.secure {
		return Works
	}
	done := t.step(StepTLS)
	defer t.bounded(ctx, t.o.Timeout)()
	// The certificate is verified below, where more than one fault of it can be told.
	conn := tls.Client(t.conn, &tls.Config{ServerName: t.at.host, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err := conn.HandshakeContext(ctx); err != nil {
		finding, saw := t.tlsFailed(ctx, err)
		done(false, saw)
		return t.fails(finding, err)
	}
	state := conn.ConnectionState()
	t.conn, t.in = conn, bufio.NewReader(conn)
	t.report.seen.secure, t.report.seen.chain = true, state.PeerCertificates
	saw := []string{fmt.Sprintf("%s, %s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite), protocol(state))}
	saw = append(saw, describe(state.PeerCertificates, time.Now())...)
	faults := judge(state.PeerCertificates, t.at.host, t.o.Roots, time.Now())
	t.report.seen.faults = faults
	for _, f := range faults {
		saw = append(saw, f.text)
	}
	if len(faults) == 0 || t.o.Insecure {
		done(true, saw...)
		return Works
	}
	done(false, saw...)
	return faults[0].finding
}

func protocol(state tls.ConnectionState) string {
	if state.NegotiatedProtocol == "" {
		return "no protocol agreed on (ALPN)"
	}
	return state.NegotiatedProtocol + " by ALPN"
}

// tlsFailed says what a failed handshake means.
func (t *trial) tlsFailed(ctx context.Context, err error) (Finding, string) {
	var record tls.RecordHeaderError
	var timeout net.Error
	switch alert := remoteAlert(err); {
	case alert != 0:
		t.report.seen.alert = alert
		saw := fmt.Sprintf("the server refused with an alert: %v", rootCause(err))
		if alert == alertNoApplication && t.speaksH2(ctx) {
			return HTTP2Only, saw + "; when asked for h2 it agreed"
		}
		if alert == alertCertificateRequired {
			return ClientCertNeeded, saw
		}
		return TLSRefused, saw
	case errors.As(err, &record):
		t.report.seen.raw = record.RecordHeader[:]
		return NotTLS, fmt.Sprintf("the answer to the ClientHello is no TLS but begins with %q", record.RecordHeader[:])
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return TLSTimeout, fmt.Sprintf("no answer to the ClientHello within %v", t.o.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return TLSRefused, "the server ended the connection in the TLS handshake: " + how(err)
	}
	return TLSRefused, rootCause(err).Error()
}

// remoteAlert returns the number of the alert that the other end sent, 0 when it sent none. The type
// of alerts is crypto/tls's own, but it is a number.
func remoteAlert(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return int(v.Uint())
	}
	return 0
}

// speaksH2 reports whether the server takes h2 when that alone is offered.
func (t *trial) speaksH2(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	raw, err := t.o.Dial(ctx, "tcp", t.report.seen.address)
	if err != nil {
		return false
	}
	defer raw.Close() //nolint:errcheck // nothing was sent that could be lost
	conn := tls.Client(raw, &tls.Config{ServerName: t.at.host, InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	return conn.HandshakeContext(ctx) == nil && conn.ConnectionState().NegotiatedProtocol == "h2"
}

// describe tells what the server's certificate says.
func describe(chain []*x509.Certificate, now time.Time) []string {
	if len(chain) == 0 {
		return nil
	}
	leaf := chain[0]
	until := fmt.Sprintf("valid until %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	if days := int(leaf.NotAfter.Sub(now).Hours() / 24); days >= 0 && days < 21 {
		until += fmt.Sprintf(" (%d days)", days)
	}
	return []string{fmt.Sprintf("certificate for %s, issued by %s, %s; %s sent", names(leaf), name(leaf.Issuer.CommonName, leaf.Issuer.String()), until, count(len(chain), "certificate"))}
}

// names are the names that a certificate is for.
func names(leaf *x509.Certificate) string {
	list := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		list = append(list, ip.String())
	}
	const most = 5
	if len(list) > most {
		list = append(list[:most], fmt.Sprintf("%d more", len(list)-most))
	}
	if len(list) == 0 {
		return "no name"
	}
	return printable(strings.Join(list, ", "))
}

func name(short, long string) string {
	if short == "" {
		short = long
	}
	if short == "" {
		return "nobody"
	}
	return printable(short)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
