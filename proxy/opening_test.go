package proxy_test

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// talk is a whole conversation of a client that has been let in, up to the end of both connections.
func talk(client, endpoint *wire) {
	client.t.Helper()
	client.says(hello)
	endpoint.hears(hello)
	endpoint.says(world)
	client.hears(world)
	closing(client, endpoint)
}

// closing is the closing handshake and the end of both connections.
func closing(client, endpoint *wire) {
	client.t.Helper()
	client.says(bye)
	endpoint.hears(bye)
	endpoint.says(byeBye)
	_ = endpoint.Close()
	client.hears(byeBye)
	client.gone()
}

// letIn reads the 101.
func (w *wire) letIn() {
	w.t.Helper()
	if head := w.head(); !strings.HasPrefix(head, "HTTP/1.1 101 Switching Protocols\r\n") {
		w.t.Fatalf("answered %q", head)
	}
}

func TestFramesMayComeWithTheRequest(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	client := r.connect()
	client.says(knock + hello)
	endpoint := g.next()
	endpoint.head()
	client.says(hello) // nor does it wait now
	endpoint.says(enter)
	endpoint.hears(hello + hello)
	client.letIn()
	closing(client, endpoint)
	r.comesTo("Established")
}

func TestManyFramesMayComeBeforeTheAnswer(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	client := r.connect()
	// More than a buffer of the replica, less than what two sockets hold.
	flood := strings.Repeat("\x82\xfe\x04\x00\x00\x00\x00\x00"+strings.Repeat("x", 1024), 100)
	go func() { _, _ = io.WriteString(client, knock+flood) }()
	endpoint := g.next()
	endpoint.head()
	endpoint.says(enter)
	endpoint.hears(flood)
	client.letIn()
	talk(client, endpoint)
	r.comesTo("Established")
}

func TestFramesMayComeWithTheAnswer(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	client := r.connect()
	client.says(knock)
	endpoint := g.next()
	endpoint.head()
	flood := strings.Repeat("\x82\x7e\x04\x00"+strings.Repeat("x", 1024), 100)
	go func() { _, _ = io.WriteString(endpoint, enter+world+flood) }()
	client.letIn()
	client.hears(world + flood)
	talk(client, endpoint)
	r.comesTo("Established")
}

func TestTheEndMayComeWithTheAnswer(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	for _, frames := range []string{"", world, world + byeBye} {
		client := r.connect()
		client.says(knock)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(enter + frames)
		_ = endpoint.Close()
		client.letIn()
		client.hears(frames)
		if !strings.HasSuffix(frames, byeBye) {
			client.hears("\x88\x18\x03\xf3the endpoint went away")
		}
		client.says(bye)
		client.gone()
	}
	r.comesTo("Established", "Established", "Established")
}

func TestAnAnswerMayComeInPieces(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	whole := enter + world
	var told []string
	for cut := 1; cut < len(whole); cut++ {
		client := r.connect()
		client.says(knock)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(whole[:cut])
		time.Sleep(time.Millisecond) // mostly enough for two segments
		endpoint.says(whole[cut:])
		client.letIn()
		client.hears(world)
		closing(client, endpoint)
		told = append(told, "Established")
	}
	client := r.connect()
	client.says(knock)
	endpoint := g.next()
	endpoint.head()
	for i := range len(whole) {
		endpoint.says(whole[i : i+1])
	}
	client.letIn()
	client.hears(world)
	closing(client, endpoint)
	r.comesTo(append(told, "Established")...)
}

func TestARequestMayComeInPieces(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	var told []string
	for cut := 1; cut < len(knock); cut += 7 {
		client := r.connect()
		client.says(knock[:cut])
		time.Sleep(time.Millisecond)
		client.says(knock[cut:] + hello)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(enter)
		client.letIn()
		endpoint.hears(hello)
		closing(client, endpoint)
		told = append(told, "Established")
	}
	r.comesTo(told...)
}

// refusing returns the address of a port that nobody listens on.
func refusing(t *testing.T) netip.AddrPort {
	g := newGate(t)
	_ = g.l.Close()
	return g.address()
}

func TestEndpointsAreTriedInTurnUntilOneTakesTheConnection(t *testing.T) {
	r, g := begin(t), newGate(t)
	cfg := between(g)
	for range 2 {
		cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: refusing(t)})
	}
	r.publish(cfg)
	for range 3 { // whoever's turn it is
		client := r.connect()
		client.says(knock + hello)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(enter)
		client.letIn()
		endpoint.hears(hello)
		closing(client, endpoint)
	}
	r.comesTo("Established", "Established", "Established")
	cfg.Backends[0].Endpoints = cfg.Backends[0].Endpoints[1:]
	r.publish(cfg)
	client := r.connect()
	client.says(knock)
	client.answered(502, "ConnectFailed: ")
	client.says(knock) // and it may ask again
	client.answered(502, "ConnectFailed: ")
	r.comesTo("Established", "Established", "Established", "ConnectFailed", "ConnectFailed")
}

func TestAnEndpointThatResetsBeforeItsAnswerIsNotTheLast(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*wire)
	}{
		{"before the request", func(w *wire) { w.reset() }},
		{"after the request", func(w *wire) { w.head(); w.reset() }},
		{"an end after the request", func(w *wire) { w.head(); _ = w.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, bad, good := begin(t), newGate(t), newGate(t)
			r.publish(between(bad, good))
			resets := make(chan struct{})
			go func() {
				defer close(resets)
				for {
					conn, err := bad.l.AcceptTCP()
					if err != nil {
						return
					}
					c.do(newWire(t, conn))
				}
			}()
			for range 3 {
				client := r.connect()
				client.says(knock)
				endpoint := good.next()
				endpoint.head()
				endpoint.says(enter)
				client.letIn()
				talk(client, endpoint)
			}
			r.comesTo("Established", "Established", "Established")
			r.publish(between(bad))
			client := r.connect()
			client.says(knock)
			client.answered(502, "EndpointReset: ")
			r.comesTo("Established", "Established", "Established", "EndpointReset")
			_ = bad.l.Close()
			<-resets
		})
	}
}

func TestNobodyIsAskedAgainOnceAnAnswerHasBegun(t *testing.T) {
	r, bad, other := begin(t), newGate(t), newGate(t)
	r.publish(between(bad))
	client := r.connect()
	client.says(knock)
	endpoint := bad.next()
	endpoint.head()
	r.publish(between(bad, other))
	endpoint.says("HTTP/1.1 101 Switch")
	_ = endpoint.Close()
	client.answered(502, "EndpointReset: ")
	r.comesTo("EndpointReset")
}

func TestASilentEndpointIsGivenUp(t *testing.T) {
	r, g, other := begin(t), newGate(t), newGate(t)
	impatient := func(r *model.Route) { r.Timeouts.Handshake = model.Timeout(100 * time.Millisecond) }
	r.publish(with(between(g), impatient))
	for _, said := range []string{"", "HTTP/1.1 1", "HTTP/1.1 100 Continue\r\n\r\n"} {
		client := r.connect()
		client.says(knock)
		endpoint := g.next()
		endpoint.head()
		endpoint.says(said)
		client.answered(504, "HandshakeTimeout: ") // and no other is tried: the request may have its effect
		endpoint.gone()
		r.publish(with(between(g, other), impatient))
		r.publish(with(between(g), impatient))
	}
	r.comesTo("HandshakeTimeout", "HandshakeTimeout", "HandshakeTimeout")
}

func TestAClientMayLeaveBeforeItsAnswer(t *testing.T) {
	leave := map[string]func(*wire){
		"FIN":   func(w *wire) { _ = w.Close() },
		"half":  func(w *wire) { _ = w.CloseWrite() },
		"reset": func(w *wire) { w.reset() },
	}
	for how, leave := range leave {
		t.Run(how, func(t *testing.T) {
			r, g := begin(t), newGate(t)
			r.publish(between(g))
			client := r.connect()
			client.says(knock)
			endpoint := g.next()
			endpoint.head()
			leave(client)
			endpoint.gone()
			r.comesTo("ClientGone")

			client = r.connect()
			client.says(knock)
			endpoint = g.next()
			endpoint.head()
			endpoint.says("HTTP/1.1 101 Swi")
			leave(client)
			endpoint.gone()
			r.comesTo("ClientGone", "ClientGone")

			client = r.connect()
			client.says(knock)
			endpoint = g.next()
			endpoint.head()
			endpoint.says("HTTP/1.1 403 Forbidden\r\n")
			leave(client)
			endpoint.gone()
			r.comesTo("ClientGone", "ClientGone", "ClientGone")

			client = r.connect()
			client.says(knock[:40])
			leave(client) // that was no request
			r.comesTo("ClientGone", "ClientGone", "ClientGone")

			if how == "reset" {
				return // which may make the kernel forget what was said before
			}
			client = r.connect()
			client.says(knock)
			leave(client) // with its request, which may get to the endpoint or not
			r.comesTo("ClientGone", "ClientGone", "ClientGone", "ClientGone")
		})
	}
}

func TestAClientMayComeByIPv6(t *testing.T) {
	r := begin(t, func(o *proxy.Options) { o.HTTPAddress = "[::1]:0" })
	p := newPod(t, "a")
	r.publish(service(p))
	r.open(host, "/")
	if seen := <-p.last; seen.Header.Get("X-Forwarded-For") != "::1" || seen.Header.Get("X-Real-Ip") != "::1" {
		t.Errorf("told %v", seen.Header)
	}
	both := begin(t, func(o *proxy.Options) { o.HTTPAddress = "[::]:0" })
	both.publish(service(p))
	_, port, _ := net.SplitHostPort(both.http())
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	client := newWire(t, conn)
	client.says(knock)
	client.letIn()
	if seen := <-p.last; seen.Header.Get("X-Forwarded-For") != "127.0.0.1" || seen.Header.Get("X-Real-Ip") != "127.0.0.1" {
		t.Errorf("told %v", seen.Header)
	}
}
