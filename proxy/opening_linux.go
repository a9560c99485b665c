//go:build linux && !portable

package proxy

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/handshake"
	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// opening is an ordinary WebSocket handshake on an event loop, from the client's connection to the
// tunnel: the same steps as in exchange.run, in the same functions, but nothing waits. What is not
// ordinary goes on in net/http: a request that handshake.ReadRequest doesn't know, an endpoint with
// TLS, an answer other than 101, and everything that the client must be told.
type opening struct {
	exchange         // its request is nil until it was read
	door             *door
	next, before     *opening // of the door's
	linked           bool
	socket, endpoint int // the client's and the endpoint's; -1: none
	from             netip.AddrPort
	remote           net.Addr // from, when a preface has told it
	announced        bool     // a preface is still to come
	timer            loop.Timer
	request          backend.Request
	reader           handshake.Reader
	unsent           []byte // of the request to the endpoint
	head, rest, seen []byte // what came from the client, what of it lies behind the head, and what came from the endpoint
	phase            phase
	// What the loop has told of the two sockets that is not worked off.
	clientTold, endpointTold loop.Events
}

// phase is what an opening waits for.
type phase uint8

const (
	asking     phase = iota // the client's request
	connecting              // the endpoint's connection
	answering               // the endpoint's answer
	gone                    // nothing: it is a tunnel, or net/http's, or over
)

// endpointSide is the opening as the owner of the endpoint's socket.
type endpointSide opening

// Ready goes on when the client has asked, and ends when it leaves.
func (o *opening) Ready(e loop.Events) {
	defer o.caught()
	asked := o.phase != asking
	if !asked && e.Has(loop.Readable) {
		o.read()
	}
	switch {
	case o.phase == asking || o.phase == gone:
	case e.Has(loop.Ended): // be it with the request: that is told once
		o.leave(io.EOF)
	case asked && e.Has(loop.Readable):
		o.clientTold |= e // frames that don't wait for the 101
	}
}

// Ready goes on when the endpoint has taken the connection, or answered.
func (side *endpointSide) Ready(e loop.Events) {
	o := (*opening)(side)
	defer o.caught()
	if o.phase == connecting && e.Has(loop.Writable) {
		o.send()
	}
	if o.phase == answering && e.Has(loop.Readable) {
		o.endpointTold |= e & loop.Ended
		o.receive()
	}
}

// Ring ends what took too long.
func (o *opening) Ring() {
	defer o.caught()
	switch o.phase {
	case asking:
		o.drop()
	case connecting:
		o.failed(backend.NotConnected(o.address(), o.timeouts().Connect, os.ErrDeadlineExceeded))
	case answering:
		o.failed(o.request.NotAnswered(o.timeouts().Handshake, len(o.seen) > 0, os.ErrDeadlineExceeded))
	}
}

// read looks whether the client's request is there.
func (o *opening) read() {
	n, errno := loop.Read(o.socket, o.door.loop.Buffer[:])
	switch {
	case n > 0:
		if n == len(o.door.loop.Buffer) {
			o.clientTold |= loop.Readable
		}
		p := o.door.loop.Buffer[:n]
		if o.announced {
			p = o.introduce(p)
		}
		if len(p) > 0 {
			o.begin(p)
		}
	case errno != unix.EAGAIN:
		o.drop()
	}
}

// begin takes an ordinary request to its endpoint.
func (o *opening) begin(p []byte) {
	o.door.loop.Stop(&o.timer)
	o.head = append(o.head, p...)
	r, size := o.reader.ReadRequest(p)
	s := o.door.server
	if r == nil || s.table.Load().Heavy(r, maxSteps) {
		o.handOver(nil, nil)
		return
	}
	o.rest = o.head[size:]
	straighten(r)
	r.RemoteAddr = o.from.String()
	s.handshakes.Add(1) // before the shutdown is looked for, as in ServeHTTP
	o.exchange = exchange{
		server: s, r: r, begun: time.Now(), id: nextID(),
		client: s.forwarding.Client(r), upgrade: handshake.WebSocket,
	}
	if err := o.match(); err != nil {
		o.refuse(err)
		return
	}
	if o.hit.Route.Policy.Waits() {
		o.handOver((*exchange).proceed, nil)
		return
	}
	if err := o.enter(); err != nil {
		o.refuse(err)
		return
	}
	if o.hit.Route.NeedsTLS(o.exchange.client.Secure) {
		o.handOver((*exchange).serveUpgrade, nil)
		return
	}
	o.request = o.exchange.request()
	o.dial()
}

// dial begins a connection to the next endpoint.
func (o *opening) dial() {
	endpoint, err := o.pick()
	if err != nil {
		o.refuse(err)
		return
	}
	o.endpoint, err = loop.Connect(endpoint.Address)
	if err == nil {
		err = o.door.loop.Add(o.endpoint, (*endpointSide)(o))
	}
	if err != nil {
		o.failed(backend.NotConnected(endpoint, o.timeouts().Connect, err))
		return
	}
	o.phase = connecting
	o.within(o.timeouts().Connect)
}

// within bounds a phase; 0 is off.
func (o *opening) within(d time.Duration) {
	o.door.loop.Stop(&o.timer)
	if d > 0 {
		o.door.loop.At(&o.timer, o.door.loop.Now()+d, o)
	}
}

// send writes the request to the endpoint.
func (o *opening) send() {
	if o.unsent == nil {
		head, failure := o.request.AppendHead(o.door.loop.Scratch[:0])
		if failure != nil {
			o.failed(failure)
			return
		}
		o.door.loop.Scratch = head[:0]
		o.unsent = head
	}
	n, errno := loop.Write(o.endpoint, o.unsent)
	switch {
	case errno == unix.EAGAIN:
		o.unsent = bytes.Clone(o.unsent) // the scratch is for whoever is called next
		return
	case errno == unix.EPIPE, errno == unix.ECONNRESET:
		o.failed(o.request.NotAnswered(0, false, os.NewSyscallError("write", errno)))
		return
	case errno != 0:
		o.failed(backend.NotConnected(o.address(), o.timeouts().Connect, errno))
		return
	}
	if o.unsent = o.unsent[n:]; len(o.unsent) > 0 {
		o.unsent = bytes.Clone(o.unsent)
		return // the rest when there is room
	}
	o.phase = answering
	o.within(o.timeouts().Handshake)
}

// receive reads the endpoint's answer.
func (o *opening) receive() {
	n, errno := loop.Read(o.endpoint, o.door.loop.Buffer[:])
	switch {
	case n > 0:
	case errno == unix.EAGAIN:
		return
	case errno == 0:
		o.failed(o.request.NotAnswered(0, len(o.seen) > 0, io.ErrUnexpectedEOF))
		return
	default:
		o.failed(o.request.NotAnswered(0, len(o.seen) > 0, os.NewSyscallError("read", errno)))
		return
	}
	seen := o.door.loop.Buffer[:n]
	if n == len(o.door.loop.Buffer) {
		o.endpointTold |= loop.Readable
	}
	if len(o.seen) > 0 {
		o.seen = append(o.seen, seen...)
		seen = o.seen
	}
	answer, size, more := o.reader.ReadSwitch(seen) //nolint:bodyclose // a 101 has none
	switch {
	case answer != nil:
		o.open(answer, seen[size:])
	case more:
		if len(o.seen) == 0 {
			o.seen = bytes.Clone(seen)
		}
		o.receive() // until the socket has no more: the loop tells of changes only
	default:
		o.resume(bytes.Clone(seen))
	}
}

// open answers the client and turns both sockets into a tunnel; rest is what the endpoint has sent
// behind its answer.
func (o *opening) open(answer *http.Response, rest []byte) {
	if refusal := handshake.CheckAnswer(answer, o.upgrade, o.request.Key); refusal != nil {
		o.failed(&backend.Failure{Refusal: refusal})
		return
	}
	o.heard()
	l := o.door.loop
	l.Stop(&o.timer)
	o.dress(answer.Header, answer.StatusCode)
	head := handshake.AppendSwitch(l.Scratch[:0], answer, o.extra())
	l.Scratch = head[:0]
	o.status = answer.StatusCode
	if n, errno := loop.Write(o.socket, head); n < len(head) {
		// A socket that never was written to takes a head: it is gone, or not worth to wait for.
		o.leave(os.NewSyscallError("write", errno))
		return
	}
	o.phase = gone
	o.unlink()
	ses := o.exchange.session()
	o.owned = true
	s := o.server
	s.sessions.add(ses)
	s.observer.Opened(ses.told(), ses.handshake)
	spec := o.spec(ses)
	spec.ClientRest, spec.EndpointRest = o.rest, rest
	ses.tunnel.Adopt(l, tunnel.Told{FD: o.socket, Events: o.clientTold}, tunnel.Told{FD: o.endpoint, Events: o.endpointTold}, &spec)
	ses.opened()
	s.handshakes.Add(-1)
	o.door.recycle(o)
}

// failed tries the next endpoint, or tells the client why there is none.
func (o *opening) failed(f *backend.Failure) {
	o.hangUp()
	o.seen, o.unsent, o.endpointTold = nil, nil, 0
	if o.retry(f) {
		o.dial()
		return
	}
	o.refuse(f)
}

// refuse lets net/http answer.
func (o *opening) refuse(err error) {
	o.handOver(func(*exchange) error { return err }, nil)
}

// resume lets net/http read and relay the endpoint's answer, of which seen has come.
func (o *opening) resume(seen []byte) {
	endpoint, request := o.endpoint, &o.request
	o.door.loop.Remove(endpoint)
	o.endpoint = -1
	resume := func(x *exchange) error {
		conn, err := loop.Attach(endpoint)
		if err != nil {
			return request.NotAnswered(0, true, err)
		}
		answer, err := backend.Resume(x.r.Context(), conn, seen, request, x.timeouts().Handshake)
		switch {
		case x.again(answer, err):
			return x.serveUpgrade()
		case err != nil:
			return err
		}
		return x.switched(answer)
	}
	o.handOver(resume, func() { _ = unix.Close(endpoint) })
}

// handOver gives the client's connection, and what was begun of its request, to net/http. Should
// the request never come to resume, discard is called, if it is not nil.
func (o *opening) handOver(resume func(*exchange) error, discard func()) {
	o.over()
	o.door.loop.Remove(o.socket)
	socket, head, h := o.socket, o.head, &handed{remote: o.remote}
	if o.r != nil {
		h.begun.Store(&unfinished{&o.exchange, resume, discard})
	}
	o.door.feed.add(func() (net.Conn, error) {
		conn, err := loop.Attach(socket)
		if err != nil {
			h.abandon(err)
			return nil, err
		}
		h.Conn = loop.NewConn(conn, head)
		return h, nil
	})
}

// leave ends an opening whose client did not wait.
func (o *opening) leave(cause error) {
	o.over()
	o.hangUp()
	o.door.loop.Close(o.socket)
	o.finish(backend.ClientGone(cause))
	o.server.handshakes.Add(-1)
}

// drop ends an opening in which nothing was asked.
func (o *opening) drop() {
	o.over()
	o.door.loop.Close(o.socket)
}

// over lets go of what the loop does for the opening.
func (o *opening) over() {
	o.phase = gone
	o.unlink()
	o.door.loop.Stop(&o.timer)
	o.door.loop.Join(-1)
}

// hangUp closes the endpoint's connection, if there is one.
func (o *opening) hangUp() {
	if o.endpoint >= 0 {
		o.door.loop.Close(o.endpoint)
		o.endpoint = -1
	}
}

// caught ends an opening that a mistake of ours broke, and nothing else.
func (o *opening) caught() {
	p := recover()
	if p == nil {
		return
	}
	o.door.server.log.Error("panic while opening a session: please report it", "panic", p, "stack", string(debug.Stack()))
	if o.phase == gone {
		return
	}
	o.over()
	o.hangUp()
	if o.r != nil {
		o.release() // first: a client that sees the end may come again at once
		o.server.handshakes.Add(-1)
	}
	o.door.loop.Close(o.socket)
}
