package accept

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"slices"
	"sync/atomic"

	"github.com/fairlead/fairlead/proxy/secure"
)

// Tickets seals and opens session tickets (RFC 8446 section 4.6.1, RFC 5077): who comes back with
// one is spared the certificate, and we the signature. The zero value makes keys of its own, a new
// one every day; what it seals nobody else opens.
type Tickets struct {
	// A tls.Config has the keys and the cipher of tickets, whether it serves connections or not.
	own    tls.Config
	shared atomic.Pointer[tls.Config] // nil: no keys are set
}

// SetKeys makes the first key the one that seals, and all of them open. Without keys it goes back to
// its own, which it always has for names that ask clients for certificates. It may be called at any time; what a dropped key has sealed opens no more.
func (t *Tickets) SetKeys(keys [][32]byte) {
	if len(keys) == 0 {
		t.shared.Store(nil)
		return
	}
	shared := new(tls.Config)
	shared.SetSessionTicketKeys(keys)
	t.shared.Store(shared)
}

// box returns what seals and opens the tickets of an identity. A ticket says which certificate its
// client has shown, so whoever has its key can say so too: where certificates are asked for, only we do.
func (t *Tickets) box(of identity) *tls.Config {
	if shared := t.shared.Load(); shared != nil && !of.asks() {
		return shared
	}
	return &t.own
}

// seal makes the ticket of a session. A client that was asked for a certificate and had none gets one
// that opens nothing: when it has found its certificate it must be asked again.
func (t *Tickets) seal(session *tls.SessionState, c tls.ConnectionState, now identity) ([]byte, error) {
	if !now.asks() || len(c.PeerCertificates) > 0 {
		session.Extra = append(session.Extra, now.binding())
	}
	return t.box(now).EncryptTicket(c, session)
}

// open returns the session of a ticket, nil if it is none of ours or not for what the name is now:
// then the handshake goes on as a full one.
func (t *Tickets) open(ticket []byte, c tls.ConnectionState, now identity) (*tls.SessionState, error) {
	session, err := t.box(now).DecryptTicket(ticket, c)
	if session == nil || err != nil {
		return nil, err
	}
	wanted := now.binding()
	if !slices.ContainsFunc(session.Extra, func(e []byte) bool { return bytes.Equal(e, wanted) }) {
		return nil, nil
	}
	return session, nil
}

// identity is what a session belongs to: a name, the certificate that vouches for it, and whose
// certificates clients are asked for.
type identity struct {
	name  string
	shown *tls.Certificate
	terms *secure.Terms // nil: as by all names
}

func (i identity) asks() bool { return i.terms != nil && i.terms.Asks }

// binding ties a ticket to an identity. crypto/tls ties it to none: a ticket got as one tenant would
// do for another (which RFC 6066 section 3 forbids), with the client certificate that was shown there,
// and outlive a certificate that was replaced.
func (i identity) binding() []byte {
	leaf := sha256.Sum256(i.shown.Certificate[0])
	told := append(leaf[:], i.name...)
	if i.asks() {
		told = append(append(told, 0), i.terms.Mark[:]...) // no name has a zero byte
	}
	sum := sha256.Sum256(told)
	return append([]byte("fairlead/1 "), sum[:]...) // a mark, for others may add to Extra too
}
