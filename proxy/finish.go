package proxy

import (
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
)

// finish gives the answer of a refusal and tells the outcome, unless a tunnel will.
func (x *exchange) finish(err error) {
	if x.owned {
		return
	}
	out := observe.Outcome{Session: x.observed(), Reason: x.reason(), Status: x.status, Duration: time.Since(x.begun)}
	var refusal *model.Refusal
	if errors.As(err, &refusal) {
		out.Reason, out.Err = refusal.Reason, refusal.Err
		if x.status == 0 {
			out.Status = refusal.Status
			x.answer(refusal)
		}
	}
	if x.unread() {
		// What nobody wanted is read all the same, so that the connection can go on: not for long.
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(headTimeout))
		if x.r.Close {
			linger(x.w)
		}
	}
	x.release()
	x.told = true
	x.server.observer.Ended(out)
	if x.broken {
		panic(http.ErrAbortHandler) // net/http cuts the connection: half an answer must not look whole
	}
}

// answer writes a refusal, unless there is nobody left to read it.
func (x *exchange) answer(r *model.Refusal) {
	if r.Reason == model.ClientGone {
		return
	}
	if x.unread() {
		x.w.Header().Set("Connection", "close") // else net/http reads all of it before it answers
	}
	x.dress(x.w.Header(), r.Status)
	handshake.Refuse(x.w, r)
}

// linger leaves the client time to read its answer before the connection is closed: a close with
// content unread is a reset, which takes the answer away (RFC 9112 section 9.6). net/http does it by
// itself unless the client said that it closes; then only for content that it found too long itself.
func linger(w http.ResponseWriter) {
	_, _ = http.MaxBytesReader(w, io.NopCloser(strings.NewReader("more")), 0).Read(make([]byte, 1))
}

// unread reports whether content of the request may still come.
func (x *exchange) unread() bool {
	return x.r.ContentLength != 0 && (x.upload == nil || !x.upload.ended())
}

// reason is what an exchange that nobody refused came to.
func (x *exchange) reason() model.Reason {
	if x.upgrade == "" {
		return model.Served
	}
	return model.EndpointRefused
}

// release takes back what the exchange was counted in.
func (x *exchange) release() {
	x.letGo()
	if x.picks != nil {
		x.hit.Route.Live.Release()
	}
	x.chosen.release()
}

// caught cleans up after a mistake of ours, which costs its own request and nothing else.
func (x *exchange) caught() {
	p := recover()
	if p == nil {
		return
	}
	if p != http.ErrAbortHandler { //nolint:errorlint // panics with the bare value
		x.server.log.Error("panic while serving a request: please report it", "panic", p, "stack", string(debug.Stack()))
		if !x.told && !x.owned {
			x.release()
		}
	}
	panic(http.ErrAbortHandler)
}
