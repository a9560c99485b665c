package model

// Field is a header field; Name is in canonical form.
type Field struct{ Name, Value string }

// Headers change the headers of requests on their way to endpoints, and of answers on their way to
// clients, the 101 too. Fields that make the protocol work (Connection, Upgrade, Sec-WebSocket-*,
// Content-Length, Transfer-Encoding, Host) can't be changed.
type Headers struct {
	Request, Response HeaderEdits
}

// HeaderEdits are applied in the order Remove, Set, Add.
type HeaderEdits struct {
	Remove []string
	// Set replaces whatever is there; Add adds to it.
	Set, Add []Field
}

// Any reports whether anything is changed.
func (e *HeaderEdits) Any() bool { return len(e.Remove)+len(e.Set)+len(e.Add) > 0 }
