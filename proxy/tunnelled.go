package proxy

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// session is one tunnel that stands, as little as must be kept of it. It holds no table and no
// request, only copies and the living parts of its route and endpoint.
type session struct {
	id         uint64
	next, prev *session // in the registry
	server     *Server
	route      *live.Route
	endpoint   *live.Endpoint
	told       observe.Session
	handshake  time.Duration
	drain      drainPolicy
	tunnel     atomic.Pointer[tunnel.Tunnel]
	closing    bool // the drainer asked it to go; only the drainer looks
}

// drainPolicy is what a session needs of its route's model.Drain.
type drainPolicy struct {
	deadline, spread time.Duration // deadline 0: the pod decides
	code             int
}

var lastID atomic.Uint64

// nextID returns a number that no other session of this process has, and after a restart hardly
// any had: it starts from the clock, in microseconds, so that JSON readers can hold it in a double.
func nextID() uint64 { return lastID.Add(1) }

func init() { lastID.Store(uint64(time.Now().UnixMicro())) }

// tunnel answers the client with the endpoint's 101 and hands both connections to a tunnel.
func (x *exchange) tunnel(a *backend.Answer) error {
	x.status = a.Response.StatusCode
	conn, rest, err := handshake.Switch(x.w, a.Response, x.extra())
	if err != nil {
		_ = a.Conn.Close() // the client's error is the one to tell
		return &model.Refusal{Reason: model.ClientGone, Detail: "the client left before its answer", Err: err}
	}
	ses := x.session()
	x.owned = true
	x.server.sessions.add(ses)
	x.server.observer.Opened(ses.told, ses.handshake)
	t := x.hit.Route.Timeouts
	ses.tunnel.Store(tunnel.Start(tunnel.Spec{
		Client: conn, Endpoint: a.Conn, ClientRest: rest, EndpointRest: a.Rest,
		Frames: x.upgrade == handshake.WebSocket,
		Idle:   t.Idle.Or(model.DefaultIdle), Stall: t.Stall.Or(model.DefaultStall),
		MaxAge: jittered(t.MaxAge.Or(model.DefaultMaxAge), t.MaxAgeJitter), Close: t.Close.Or(model.DefaultClose),
		Owner: ses,
	}))
	if ses.leaves() {
		x.server.wakeDrainer() // what happened between match and now must not be missed
	}
	return nil
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
	d := x.hit.Route.Drain
	told := x.observed()
	// Host and path are slices of the request's buffer, which a long life should not hold.
	told.Host, told.Path = strings.Clone(told.Host), strings.Clone(told.Path)
	return &session{
		id: x.id, server: x.server, route: x.hit.Route.Live, endpoint: x.chosen.endpoint.Live,
		told: told, handshake: time.Since(x.begun),
		drain: drainPolicy{
			deadline: d.Deadline.Or(model.DefaultDrainDeadline), spread: d.Spread.Or(model.DefaultDrainSpread),
			code: d.Code(),
		},
	}
}

// TunnelEnded finishes the session.
func (ses *session) TunnelEnded(r tunnel.Result) {
	ses.server.sessions.remove(ses)
	ses.route.Release()
	ses.endpoint.Release()
	ses.server.observer.Ended(observe.Outcome{
		Session: ses.told, Tunnelled: true, Reason: r.Reason, By: r.By, CloseCode: r.CloseCode,
		Status:    http.StatusSwitchingProtocols,
		Handshake: ses.handshake, Duration: time.Since(ses.told.Start),
		ToEndpoint: r.ToEndpoint, ToClient: r.ToClient, Err: r.Err,
	})
}

// observed returns the session as lists and metrics show it.
func (ses *session) observed() observe.Live {
	l := observe.Live{Session: ses.told}
	if t := ses.tunnel.Load(); t != nil {
		l.ToEndpoint, l.ToClient = t.Traffic()
	}
	return l
}
