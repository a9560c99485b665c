package probe

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/handshake"
)

// agent is the probe's User-Agent: who reads a log should know what asked.
const agent = "fairlead-probe"

// telling are the headers in which variations differ; the others were shown before.
var telling = []string{"Host", "Origin", "Sec-WebSocket-Protocol"}

// ask sends the request and reads the answer to it.
func (t *trial) ask(ctx context.Context) Finding {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	t.key = base64.StdEncoding.EncodeToString(nonce[:])
	fields := t.fields()

	done := t.step(StepRequest)
	defer t.bounded(ctx, t.o.Timeout)()
	head := "GET " + t.at.uri + " HTTP/1.1\r\n"
	saw := []string{"GET " + printable(t.at.uri) + " HTTP/1.1"}
	for _, f := range fields {
		head += f[0] + ": " + f[1] + "\r\n"
		if t.report.Variation == "" || slices.Contains(telling, f[0]) {
			saw = append(saw, f[0]+": "+secret(f[0], f[1]))
		}
	}
	if _, err := t.conn.Write([]byte(head + "\r\n")); err != nil {
		done(false, fmt.Sprintf("not sent: %v", rootCause(err)))
		return t.fails(ClosedEarly, err)
	}
	done(true, saw...)
	return t.readAnswer(ctx)
}

// fields are the header lines of the request, in the order in which browsers send them.
func (t *trial) fields() [][2]string {
	o := t.o
	host := t.at.authority()
	if h := o.Header.Get("Host"); h != "" {
		host = h
	}
	fields := [][2]string{
		{"Host", host}, {"Upgrade", handshake.WebSocket}, {"Connection", "Upgrade"},
		{"Sec-WebSocket-Key", t.key}, {"Sec-WebSocket-Version", handshake.Version},
	}
	if len(o.Subprotocols) > 0 {
		fields = append(fields, [2]string{"Sec-WebSocket-Protocol", strings.Join(o.Subprotocols, ", ")})
	}
	if o.Extensions != "" {
		fields = append(fields, [2]string{"Sec-WebSocket-Extensions", o.Extensions})
	}
	if o.Origin != "" {
		fields = append(fields, [2]string{"Origin", o.Origin})
	}
	if o.Cookie != "" {
		fields = append(fields, [2]string{"Cookie", o.Cookie})
	}
	if o.Header.Get("User-Agent") == "" {
		fields = append(fields, [2]string{"User-Agent", agent})
	}
	for _, name := range slices.Sorted(maps.Keys(o.Header)) {
		if name == "Host" {
			continue
		}
		for _, value := range o.Header[name] {
			fields = append(fields, [2]string{name, value})
		}
	}
	return fields
}

// secret hides what should not stand in a ticket.
func secret(name, value string) string {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization":
		return fmt.Sprintf("(%d characters)", len(value))
	}
	return printable(value)
}
