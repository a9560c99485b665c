package accept

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"slices"
	"sync/atomic"
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
// its own. It may be called at any time; what a dropped key has sealed opens no more.
func (t *Tickets) SetKeys(keys [][32]byte) {
	if len(keys) == 0 {
		t.shared.Store(nil)
		return
	}
	shared := new(tls.Config)
	shared.SetSessionTicketKeys(keys)
	t.shared.Store(shared)
}

func (t *Tickets) box() *tls.Config {
	if shared := t.shared.Load(); shared != nil {
		return shared
	}
	return &t.own
}

// seal makes the ticket of a session that belongs to a name and its certificate.
func (t *Tickets) seal(session *tls.SessionState, c tls.ConnectionState, shown *tls.Certificate) ([]byte, error) {
	session.Extra = append(session.Extra, binding(c.ServerName, shown))
	return t.box().EncryptTicket(c, session)
}

// open returns the session of a ticket, nil if it is none of ours or not for this name with the
// certificate that would be shown now: then the handshake goes on as a full one.
func (t *Tickets) open(ticket []byte, c tls.ConnectionState, shown func(name string) (*tls.Certificate, error)) (*tls.SessionState, error) {
	session, err := t.box().DecryptTicket(ticket, c)
	if session == nil || err != nil {
		return nil, err
	}
	now, err := shown(c.ServerName)
	if err != nil {
		return nil, err
	}
	wanted := binding(c.ServerName, now)
	if !slices.ContainsFunc(session.Extra, func(e []byte) bool { return bytes.Equal(e, wanted) }) {
		return nil, nil
	}
	return session, nil
}

// binding ties a ticket to a name and the certificate that vouched for it. crypto/tls ties it to
// neither: a ticket got as one tenant would do for another (which RFC 6066 section 3 forbids), and
// outlive a certificate that was replaced.
func binding(name string, shown *tls.Certificate) []byte {
	leaf := sha256.Sum256(shown.Certificate[0])
	sum := sha256.Sum256(append(leaf[:], name...))
	return append([]byte("fairlead/1 "), sum[:]...) // a mark, for others may add to Extra too
}
