package proxy

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
	"unique"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// session is one tunnel that stands, as little as must be kept of it: there may be 100,000. It holds
// no table and no request, only copies, and what it shares with its like.
type session struct {
	id         uint64
	next, prev *session // in the registry
	server     *Server
	terms      unique.Handle[terms]
	client     netip.Addr
	asked      string        // host and path in a row, then the protocol unless it is WebSocket
	host, path uint32        // how long they are
	begun      time.Duration // since epoch
	handshake  time.Duration
	tunnel     tunnel.Tunnel
	started    atomic.Bool // the tunnel is
	tls        bool        // of the client's connection
	closing    bool        // the drainer asked it to go; only the drainer looks
}

// terms are what the sessions of one route on one endpoint have in common, by the table in which
// they began: whatever is renamed later, they go on under the old name. Equal terms are kept once.
type terms struct {
	route    *live.Route
	endpoint *live.Endpoint
	share    *live.Share
	routeID  string
	backend  string
	address  netip.AddrPort
	pod      string // model.Endpoint.Name
	drain    drainPolicy
	hold     live.Hold // what each counts for in the limits of the route
	noLog    bool
}

// drainPolicy is what a session needs of its route's model.Drain.
type drainPolicy struct {
	deadline, spread time.Duration // deadline 0: the pod decides
	code             int
}

// epoch is what sessions count their time from, so that a moment takes a third of a time.Time. It
// has a monotonic reading: a clock that is set makes no session older.
var epoch = time.Now()

var lastID atomic.Uint64

// nextID returns a number that no other session of this process has, and after a restart hardly
// any had: it starts from the clock, in microseconds, so that JSON readers can hold it in a double.
func nextID() uint64 { return lastID.Add(1) }

func init() { lastID.Store(uint64(time.Now().UnixMicro())) }

// tunnel answers the client with the endpoint's 101 and hands both connections to a tunnel.
func (x *exchange) tunnel(a *backend.Answer) error {
	x.status = a.Response.StatusCode
	x.dress(a.Response.Header, x.status)
	conn, rest, err := handshake.Switch(x.w, a.Response, x.extra())
	if err != nil {
		_ = a.Conn.Close() // the client's error is the one to tell
		return &model.Refusal{Reason: model.ClientGone, Detail: "the client left before its answer", Err: err}
	}
	ses := x.session()
	x.owned = true
	x.server.sessions.add(ses)
	x.server.observer.Opened(ses.told(), ses.handshake)
	spec := x.spec(ses)
	spec.Client, spec.Endpoint, spec.ClientRest, spec.EndpointRest = conn, a.Conn, rest, a.Rest
	x.server.engine.Start(&ses.tunnel, spec)
	ses.opened()
	return nil
}

// spec returns what the route says of the session's tunnel.
func (x *exchange) spec(ses *session) tunnel.Spec {
	t, k := x.hit.Route.Timeouts, x.hit.Route.Keepalive
	return tunnel.Spec{
		Frames: x.upgrade == handshake.WebSocket,
		Idle:   t.Idle.Or(model.DefaultIdle), Stall: t.Stall.Or(model.DefaultStall),
		MaxAge: jittered(t.MaxAge.Or(model.DefaultMaxAge), t.MaxAgeJitter), Close: t.Close.Or(model.DefaultClose),
		Keepalive: tunnel.Keepalive{
			Interval: k.Interval.Or(model.DefaultKeepaliveInterval), Timeout: k.Timeout.Or(model.DefaultKeepaliveTimeout),
			Client: k.Peers.Has(model.ByClient), Endpoint: k.Peers.Has(model.ByEndpoint),
		},
		Owner: ses,
	}
}

// opened lets the session be drained.
func (ses *session) opened() {
	ses.started.Store(true)
	if ses.leaves() {
		ses.server.wakeDrainer() // what happened between match and now must not be missed
	}
}

// jittered varies an age by the percentage, so that sockets that came together don't go together.
// 0 is off and stays off; any other age stays on.
func jittered(age time.Duration, percent *int) time.Duration {
	if age <= 0 {
		return 0
	}
	p := model.DefaultMaxAgeJitter
	if percent != nil {
		p = *percent
	}
	return max(age+time.Duration(float64(age)*float64(p)/100*(2*rand.Float64()-1)), time.Millisecond)
}

func (x *exchange) session() *session {
	host, path, protocol := x.r.Host, x.r.URL.Path, x.upgrade
	if protocol == handshake.WebSocket {
		protocol = ""
	}
	return &session{
		id: x.id, server: x.server, terms: unique.Make(x.terms()), client: x.client.Address,
		// Always a new string: slices of the request's buffer would hold all of it for a long life.
		asked: strings.Join([]string{host, path, protocol}, ""), host: uint32(len(host)), path: uint32(len(path)),
		begun: x.begun.Sub(epoch), handshake: time.Since(x.begun), tls: x.r.TLS != nil,
	}
}

func (x *exchange) terms() terms {
	r, e := x.hit.Route, x.chosen.endpoint
	return terms{
		route: r.Live, endpoint: e.Live, share: x.chosen.backend.Share,
		routeID: r.ID, backend: x.chosen.backend.Key, address: e.Address, pod: e.Name,
		drain: drainPolicy{
			deadline: r.Drain.Deadline.Or(model.DefaultDrainDeadline), spread: r.Drain.Spread.Or(model.DefaultDrainSpread),
			code: r.Drain.Code(),
		},
		hold: x.subject.Hold, noLog: r.NoLog,
	}
}

// TunnelEnded finishes the session.
func (ses *session) TunnelEnded(r tunnel.Result) {
	ses.server.sessions.remove(ses)
	t := ses.terms.Value()
	t.route.Release()
	t.endpoint.Release()
	t.hold.Release(ses.client)
	t.share.Release()
	ses.server.observer.Ended(observe.Outcome{
		Session: ses.told(), Tunnelled: true, Reason: r.Reason, By: r.By, CloseCode: r.CloseCode,
		Status:    http.StatusSwitchingProtocols,
		Handshake: ses.handshake, Duration: time.Since(ses.start()),
		ToEndpoint: r.ToEndpoint, ToClient: r.ToClient, Err: r.Err,
	})
}

// TunnelPonged records how long an end took to answer a Ping.
func (ses *session) TunnelPonged(by model.Side, after time.Duration) {
	ses.server.observer.Ponged(ses.told(), by, after)
}

func (ses *session) start() time.Time { return epoch.Add(ses.begun) }

// told returns the session as it was when it opened.
func (ses *session) told() observe.Session {
	t := ses.terms.Value()
	s := observe.Session{
		ID: ses.id, Route: t.routeID, Backend: t.backend, Endpoint: t.address, EndpointName: t.pod,
		Client: ses.client, Host: ses.asked[:ses.host], Path: ses.asked[ses.host:][:ses.path],
		Protocol: ses.asked[ses.host:][ses.path:], TLS: ses.tls, Start: ses.start(), NoLog: t.noLog,
	}
	if s.Protocol == "" {
		s.Protocol = handshake.WebSocket
	}
	return s
}

// observed returns the session as lists and metrics show it.
func (ses *session) observed() observe.Live {
	l := observe.Live{Session: ses.told()}
	l.ToEndpoint, l.ToClient = ses.tunnel.Traffic()
	return l
}
