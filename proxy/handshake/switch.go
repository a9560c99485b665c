package handshake

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"time"
)

// switchTimeout bounds the write of the 101. It is a few hundred bytes on a connection that has
// just delivered a request, so only a client that stopped reading makes it last.
const switchTimeout = 10 * time.Second

// Switch takes the client's connection over from net/http and writes the endpoint's 101 to it:
// end-to-end headers as they are, Connection and Upgrade anew, and extra (such as Set-Cookie).
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
	err = writeHead(conn, switchHead(answer, extra))
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("switch: write the 101 to the client: %w", err)
	}
	return conn, early, nil
}

// switchHead returns the 101 for the client. It never has a length (RFC 9110 section 8.6).
func switchHead(answer *http.Response, extra http.Header) []byte {
	header := endToEnd(answer.Header)
	delete(header, "Content-Length")
	add(header, extra)
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n")
	// Writing to a buffer can't fail. Write removes line breaks that a value may hold.
	_ = http.Header{"Upgrade": answer.Header["Upgrade"]}.Write(&head)
	_ = Spell(header).Write(&head)
	head.WriteString("\r\n")
	return head.Bytes()
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
