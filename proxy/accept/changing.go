package accept

import (
	"crypto/tls"
	"net"

	"github.com/fairlead/fairlead/proxy/loop"
)

// TLS returns a listener whose connections speak TLS, and which an event loop can take over when
// their tunnel stands.
func TLS(l net.Listener, config *tls.Config) net.Listener {
	return tls.NewListener(changing{l}, config)
}

// changing accepts connections that can change hands.
type changing struct{ net.Listener }

// Accept waits for the next connection.
func (c changing) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return loop.NewConn(conn, nil), nil
}
