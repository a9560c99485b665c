package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/proxy/handshake"
)

// check judges the answer as a browser does (RFC 6455 section 4.1, items 1 to 6 of what a client must
// check).
func (t *trial) check(context.Context) Finding {
	a := t.report.Answer
	if a.Status != http.StatusSwitchingProtocols {
		return classify(a, t)
	}
	wrong := func(f Finding, format string, args ...any) Finding {
		t.report.seen.switchings = append(t.report.seen.switchings, fmt.Sprintf(format, args...))
		t.report.Steps[len(t.report.Steps)-1].OK = false
		return f
	}
	if a.Proto != "HTTP/1.1" {
		return wrong(BadUpgrade, "the 101 is %s, not HTTP/1.1", a.Proto)
	}
	if got := strings.Join(a.Header["Upgrade"], ", "); !strings.EqualFold(got, handshake.WebSocket) {
		return wrong(BadUpgrade, "Upgrade is %q, not \"websocket\"", got)
	}
	if !httpguts.HeaderValuesContainsToken(a.Header["Connection"], "upgrade") {
		return wrong(BadUpgrade, "Connection is %q, without \"Upgrade\"", strings.Join(a.Header["Connection"], ", "))
	}
	switch accepts := a.Header["Sec-Websocket-Accept"]; {
	case len(accepts) == 0:
		return wrong(BadAccept, "Sec-WebSocket-Accept is missing")
	case len(accepts) > 1:
		return wrong(BadAccept, "Sec-WebSocket-Accept is there %d times", len(accepts))
	case accepts[0] != handshake.AcceptKey(t.key):
		return wrong(BadAccept, "Sec-WebSocket-Accept is %q, but %q belongs to the key %q", accepts[0], handshake.AcceptKey(t.key), t.key)
	}
	if f, why := t.checkSubprotocol(a.Header["Sec-Websocket-Protocol"]); why != "" {
		return wrong(f, "%s", why)
	}
	t.report.seen.extensions = strings.Join(a.Header["Sec-Websocket-Extensions"], ", ")
	if name := unasked(t.report.seen.extensions, t.o.Extensions); name != "" {
		return wrong(ExtensionUnasked, "the server turned on the extension %q, which was not offered", name)
	}
	return Works
}

// checkSubprotocol says what is wrong with the subprotocol that the server chose. RFC 6455 lets a
// client go on without one; browsers don't, when they offered some.
func (t *trial) checkSubprotocol(chosen []string) (f Finding, why string) {
	offered := strings.Join(t.o.Subprotocols, ", ")
	switch {
	case len(chosen) == 0 && len(t.o.Subprotocols) > 0:
		return SubprotocolRefused, fmt.Sprintf("the server chose none of the subprotocols %s", offered)
	case len(chosen) == 0:
		return Works, ""
	case len(chosen) > 1 || strings.Contains(chosen[0], ","):
		return SubprotocolRefused, fmt.Sprintf("the server chose several subprotocols: %s", strings.Join(chosen, ", "))
	case len(t.o.Subprotocols) == 0:
		return SubprotocolRefused, fmt.Sprintf("the server chose the subprotocol %q, though none was offered", chosen[0])
	case !slices.Contains(t.o.Subprotocols, chosen[0]):
		return SubprotocolRefused, fmt.Sprintf("the server chose the subprotocol %q; offered were %s", chosen[0], offered)
	}
	return Works, ""
}

// unasked returns the name of an extension that was taken but not offered, "" when there is none.
func unasked(taken, offered string) string {
	var may []string
	for word := range strings.SplitSeq(offered, ",") {
		may = append(may, extensionName(word))
	}
	for word := range strings.SplitSeq(taken, ",") {
		if name := extensionName(word); name != "" && !slices.Contains(may, name) {
			return name
		}
	}
	return ""
}

func extensionName(s string) string {
	name, _, _ := strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(name))
}
