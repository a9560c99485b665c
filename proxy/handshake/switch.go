package handshake

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// switchTimeout bounds the write of the 101. It is a few hundred bytes on a connection that has
// just delivered a request, so only a client that stopped reading makes it last.
const switchTimeout = 10 * time.Second

// Switch takes the client's connection over from net/http and writes the endpoint's 101 to it, as
// [AppendSwitch] makes it.
// The connection is the caller's, without deadlines, together with the bytes that the client sent
// behind its request; on error it is closed, and nothing more can be answered.
func Switch(w http.ResponseWriter, answer *http.Response, extra http.Header) (net.Conn, []byte, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("switch: take over the client's connection: %w", err)
	}
	early := make([]byte, buffered.Reader.Buffered())
	// Exactly what is buffered, so this neither blocks nor fails.
	_, _ = buffered.Read(early)
	err = writeHead(conn, AppendSwitch(nil, answer, extra))
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("switch: write the 101 to the client: %w", err)
	}
	return conn, early, nil
}

// writeHead writes head in one call, so that it goes in one segment, and leaves no deadline.
func writeHead(conn net.Conn, head []byte) error {
	if err := conn.SetDeadline(time.Now().Add(switchTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(head); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}
