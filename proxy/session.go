package proxy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
	"github.com/fairlead/fairlead/proxy/table"
)

// exchange is one client request on its way to an answer or into a tunnel. It lives as long as the
// HTTP handler; what must live longer is a session.
type exchange struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	begun   time.Time
	id      uint64
	client  handshake.Client
	upgrade string // the protocol asked for; "": a plain request
	hit     table.Hit
	subject admit.Subject // as the checks of the route see it
	picks   *picker
	chosen  choice // its endpoint is nil until one was picked
	status  int
	owned   bool   // a tunnel has it: the session reports its end
	told    bool   // the outcome is told
	broken  bool   // an answer ended in the middle
	heavy   bool   // expressions may take long to look at it
	uri     string // for the endpoint, when that was found out in turn; "": it was not

	silence          *silence
	upload, download *watchedBody // of a plain request; nil: there is none
	plainErr         error        // why a plain request got no answer
}

// ServeHTTP takes one request from match to finish. Whatever happens, there is one Outcome.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	straighten(r)
	if u := begun(r); u != nil {
		u.w, u.r = w, r
		defer s.handshakes.Add(-1) // the event loop has counted it
		u.serve(u.resume)
		return
	}
	x := &exchange{
		server: s, w: w, r: r, begun: time.Now(), id: nextID(),
		client: s.forwarding.Client(r), upgrade: handshake.Upgrade(r),
	}
	if x.upgrade != "" {
		// Before the shutdown is looked for, so that it waits for whoever did not see it.
		s.handshakes.Add(1)
		defer s.handshakes.Add(-1)
	}
	x.serve((*exchange).run)
}

// straighten makes of a request's path the one that routes are asked for: what is guarded, told to
// services and asked of endpoints is the same then.
func straighten(r *http.Request) {
	if table.Straighten(r.URL) {
		r.RequestURI = r.URL.RequestURI()
	}
}

// serve takes the request to its finish.
func (x *exchange) serve(run func(*exchange) error) {
	defer x.caught()
	x.finish(run(x))
}

// run is the table of contents of a session.
func (x *exchange) run() error {
	x.heavy = x.server.table.Load().Heavy(x.r, maxSteps)
	if err := x.inTurn(x.match); err != nil {
		return err
	}
	return x.proceed()
}

// proceed takes a request whose route is found to its answer.
func (x *exchange) proceed() error {
	if err := x.enter(); err != nil {
		return err
	}
	if x.upgrade == "" {
		return x.servePlain()
	}
	return x.serveUpgrade()
}

// enter asks whether the route wants the request, counts it in, and prepares the choice of an
// endpoint.
func (x *exchange) enter() error {
	if err := x.admit(); err != nil {
		return err
	}
	if err := x.redirect(); err != nil {
		return err
	}
	return x.inTurn(x.choose)
}

// choose prepares the choice of an endpoint.
func (x *exchange) choose() error {
	x.picks = newPicker(x.hit.Route, x.r, &x.client)
	x.hit.Route.Live.Acquire()
	if x.heavy {
		x.uri = x.hit.URI(x.r.URL)
	}
	return nil
}

// serveUpgrade takes an upgrade to an endpoint and its answer to the client.
func (x *exchange) serveUpgrade() error {
	answer, err := x.connect()
	if err != nil {
		return err
	}
	return x.switched(answer)
}

// switched gives the endpoint's answer to the client, and with a 101 both to a tunnel.
func (x *exchange) switched(answer *backend.Answer) error {
	if answer.Response.StatusCode != http.StatusSwitchingProtocols {
		return x.relay(answer)
	}
	return x.tunnel(answer)
}

// match finds the route in the current table, which is loaded here and nowhere else.
func (x *exchange) match() error {
	s := x.server
	if !s.published.Load() {
		return &model.Refusal{Status: http.StatusServiceUnavailable, Reason: model.NotReady,
			Detail: "the proxy has no routes yet; try again", Header: map[string]string{"Retry-After": "1"}}
	}
	if s.closeBegan.Load() != nil {
		return &model.Refusal{Status: http.StatusServiceUnavailable, Reason: model.Draining,
			Detail: "this replica is shutting down; try again", Header: map[string]string{"Retry-After": "1", "Connection": "close"}}
	}
	t := s.table.Load()
	if refusal := misdirected(t, x.r); refusal != nil {
		return refusal
	}
	hit, found := t.Match(x.r)
	if !found {
		return &model.Refusal{Status: http.StatusNotFound, Reason: model.NoRoute,
			Detail: "no route for this host and path"}
	}
	x.hit = hit
	return nil
}

// connect tries endpoints until one gives an answer that the route does not retry.
func (x *exchange) connect() (*backend.Answer, error) {
	request := x.request()
	timeouts := x.timeouts()
	for {
		endpoint, err := x.pick()
		if err != nil {
			return nil, err
		}
		answer, err := backend.Upgrade(x.r.Context(), endpoint, &request, timeouts)
		if !x.again(answer, err) {
			return answer, err
		}
	}
}

// pick chooses the next endpoint and counts the session on it instead of on the one before.
func (x *exchange) pick() (backend.Endpoint, error) {
	next, found := x.picks.next()
	if !found {
		return backend.Endpoint{}, &model.Refusal{Status: http.StatusServiceUnavailable, Reason: model.NoEndpoint,
			Detail: "no endpoint of the route takes sessions now", Header: map[string]string{"Retry-After": "1"}}
	}
	x.chosen.release()
	x.chosen = next
	x.chosen.acquire()
	return x.address(), nil
}

func (x *exchange) request() backend.Request {
	r := backend.Request{
		Method: x.r.Method, URI: x.target(), Host: x.host(),
		Header: x.fields(), Upgrade: x.upgrade,
	}
	if x.upgrade == handshake.WebSocket {
		r.Key = x.r.Header.Get("Sec-WebSocket-Key")
	}
	return r
}

// target returns what the endpoint is asked for.
func (x *exchange) target() string {
	if x.uri != "" {
		return x.uri
	}
	return x.hit.URI(x.r.URL)
}

// host returns the Host for the endpoint.
func (x *exchange) host() string {
	if h := x.hit.Route.Rewrite.Host; h != "" {
		return h
	}
	return x.r.Host
}

func (x *exchange) timeouts() backend.Timeouts {
	t := x.hit.Route.Timeouts
	return backend.Timeouts{Connect: t.Connect.Or(model.DefaultConnect), Handshake: t.Handshake.Or(model.DefaultHandshake)}
}

// extra returns the headers that the proxy adds to an answer.
func (x *exchange) extra() http.Header {
	return x.picks.setCookie(x.chosen, x.client.Secure)
}

// relay passes on an answer other than 101; the connection stays ordinary HTTP.
func (x *exchange) relay(a *backend.Answer) error {
	defer func() { _ = a.Close() }() // the answer was passed on or the client is gone
	x.status = a.Response.StatusCode
	silent := false
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	stop := x.listen(func() { silent = true; cancel(); _ = a.Close() })
	answer := x.inPlaceOf(ctx, a.Response)
	if answer != a.Response {
		defer func() { _ = answer.Body.Close() }()
	}
	x.dress(answer.Header, x.status)
	answer.Body = x.silence.watch(answer.Body)
	err := handshake.Relay(x.w, answer, x.extra())
	stop()
	if err == nil {
		return nil
	}
	x.broken = true
	reason := model.ClientGone
	switch {
	case silent:
		reason = model.IdleTimeout
	case errors.Is(err, handshake.ErrBodyBroken):
		reason = model.EndpointReset
	}
	return &model.Refusal{Reason: reason, Detail: "the answer could not be passed on", Err: err}
}

func (x *exchange) observed() observe.Session {
	s := observe.Session{
		ID: x.id, Client: x.client.Address, Host: x.r.Host, Path: x.r.URL.Path,
		Protocol: x.upgrade, TLS: x.r.TLS != nil, Start: x.begun,
	}
	if x.hit.Route != nil {
		s.Route, s.NoLog = x.hit.Route.ID, x.hit.Route.NoLog
	}
	if e := x.chosen.endpoint; e != nil {
		s.Backend, s.Endpoint, s.EndpointName = x.chosen.backend.Key, e.Address, e.Name
	}
	return s
}
