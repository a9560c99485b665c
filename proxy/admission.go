package proxy

import (
	"errors"
	"iter"
	"maps"
	"net/http"
	"slices"

	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// admit asks whether the route wants the request.
func (x *exchange) admit() error {
	s := x.server
	x.subject = admit.Subject{
		Request: x.r, Policy: x.hit.Route.Policy, Upgrade: x.upgrade,
		Client: x.client.Address, Secure: x.client.Secure, HTTPSPort: s.options.RedirectPort,
	}
	if x.subject.Policy.Asks() {
		x.subject.Forwarded = func() http.Header { return s.forwarding.Header(x.r, x.client) }
		x.subject.Services = s.services
	}
	refusal := s.admission(&x.subject)
	if refusal == nil && x.upgrade == handshake.WebSocket {
		refusal = handshake.Check(x.r)
	}
	if refusal != nil {
		return refusal
	}
	return nil
}

// fields returns the header fields with which the request goes to the endpoint.
func (x *exchange) fields() iter.Seq2[string, []string] {
	if !x.subject.EditsRequest() {
		return x.server.forwarding.Fields(x.r, x.client)
	}
	return maps.All(x.header())
}

// header is fields as a header of its own.
func (x *exchange) header() http.Header {
	h := x.server.forwarding.Header(x.r, x.client)
	if x.subject.EditsRequest() {
		x.subject.EditRequest(h)
	}
	return h
}

// dress changes the header of an answer, the endpoint's or one of ours, as the route wants it, and
// adds the cookies of who let the request in.
func (x *exchange) dress(header http.Header, status int) {
	if x.subject.Policy == nil {
		return // it was refused before
	}
	x.subject.Dress(header)
	if cookies := x.subject.CookiesFor(status); len(cookies) > 0 {
		header["Set-Cookie"] = append(slices.Clip(header["Set-Cookie"]), cookies...)
	}
}

// letGo takes back what the exchange counts for in the limits of its route, unless a session has it.
func (x *exchange) letGo() {
	x.subject.Hold.Release(x.subject.Client)
	x.subject.Hold = live.Hold{}
}

// tooLarge returns the refusal of a request that brought more content than its route takes, nil when
// it did not.
func (x *exchange) tooLarge() *model.Refusal {
	if x.upload == nil {
		return nil
	}
	if err := x.upload.err.Load(); err != nil && errors.As(*err, new(*http.MaxBytesError)) {
		return x.subject.Policy.TooLarge()
	}
	return nil
}
