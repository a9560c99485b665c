package tunnel_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// relay is the least proxy that there can be around tunnels: it passes the handshake on as it is.
type relay struct {
	listener net.Listener
	spec     tunnel.Spec
	results  chan tunnel.Result
	pongs    chan pong
	mu       sync.Mutex
	tunnels  []*tunnel.Tunnel
	starts   sync.WaitGroup
}

func (r *relay) TunnelEnded(res tunnel.Result) { r.results <- res }

// TunnelPonged tells of answers as far as somebody listens.
func (r *relay) TunnelPonged(by model.Side, after time.Duration) {
	select {
	case r.pongs <- pong{by, after}:
	default:
	}
}

// newRelay listens and tunnels whatever comes to an endpoint's address.
func newRelay(t *testing.T, endpoint string, spec tunnel.Spec) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, spec: spec, results: make(chan tunnel.Result, 100), pongs: make(chan pong, 100)}
	r.starts.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.starts.Go(func() {
				if err := r.connect(c, endpoint); err != nil {
					t.Error(err)
				}
			})
		}
	})
	t.Cleanup(func() { hangUp(l); r.starts.Wait() })
	return r
}

func (r *relay) connect(c net.Conn, endpoint string) error {
	e, err := net.Dial("tcp", endpoint)
	if err != nil {
		return err
	}
	fromClient, fromEndpoint := bufio.NewReader(c), bufio.NewReader(e)
	req, err := http.ReadRequest(fromClient)
	if err != nil {
		return err
	}
	if err := req.Write(e); err != nil {
		return err
	}
	resp, err := http.ReadResponse(fromEndpoint, req)
	if err != nil {
		return err
	}
	if err := resp.Write(c); err != nil {
		return err
	}
	spec := r.spec
	spec.Client, spec.Endpoint, spec.Frames, spec.Owner = c, e, true, r
	spec.ClientRest, _ = fromClient.Peek(fromClient.Buffered())
	spec.EndpointRest, _ = fromEndpoint.Peek(fromEndpoint.Buffered())
	tun := new(tunnel.Tunnel)
	engine.Start(tun, spec)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tunnels = append(r.tunnels, tun)
	return nil
}

func (r *relay) dial(t *testing.T) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{EnableCompression: true, HandshakeTimeout: patience}
	c, _, err := d.Dial("ws://"+r.listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	t.Cleanup(func() { hangUp(c) })
	return c
}

// echoServer greets before anything else, so that its first frame comes together with the 101,
// echoes, and reports how each connection ended.
func echoServer(t *testing.T) (address string, ends chan error) {
	t.Helper()
	ends = make(chan error, 100)
	up := websocket.Upgrader{EnableCompression: true}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c, err := up.Upgrade(w, req, nil)
		if err != nil {
			ends <- err
			return
		}
		defer hangUp(c)
		if err := c.WriteMessage(websocket.TextMessage, []byte("welcome")); err != nil {
			ends <- err
			return
		}
		for {
			kind, p, err := c.ReadMessage()
			if err != nil {
				ends <- err
				return
			}
			if err := c.WriteMessage(kind, p); err != nil {
				ends <- err
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), ends
}

// Real clients and a real server, with compression: every message comes back as it was, and a
// proxy that closes them all at once is understood by both sides.
func TestRealClientsAndServer(t *testing.T) {
	address, ends := echoServer(t)
	r := newRelay(t, address, tunnel.Spec{Idle: time.Minute, Stall: time.Minute, Close: patience})
	const clients = 20
	var wg sync.WaitGroup
	for i := range clients {
		c := r.dial(t)
		wg.Go(func() {
			if err := talkUntilClosed(c, uint64(i)); err != nil {
				t.Error(err)
			}
		})
	}
	time.AfterFunc(300*time.Millisecond, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, tun := range r.tunnels {
			tun.Close(tunnel.Cause{Reason: model.EndpointDraining, Code: 1012, Text: "this pod leaves"}, 0)
		}
	})
	wg.Wait()
	for range clients {
		if err := <-ends; !websocket.IsCloseError(err, 1012) {
			t.Errorf("the server saw %v, want the client's answer 1012", err)
		}
		res := <-r.results
		if res.Reason != model.EndpointDraining || res.By != model.ByProxy || res.CloseCode != 1012 || res.Err != nil {
			t.Errorf("ended with %+v", res)
		}
		if res.ToEndpoint.Messages == 0 || res.ToClient.Messages > res.ToEndpoint.Messages+1 {
			t.Errorf("counted %+v and %+v", res.ToEndpoint, res.ToClient)
		}
	}
}

// talkUntilClosed sends messages, each of which must come back, until the proxy closes.
func talkUntilClosed(c *websocket.Conn, seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 3))
	if _, p, err := c.ReadMessage(); err != nil || string(p) != "welcome" {
		return fmt.Errorf("no welcome: %q, %w", p, err)
	}
	closed := func(err error) error {
		if ce := (*websocket.CloseError)(nil); errors.As(err, &ce) && ce.Code == 1012 && ce.Text == "this pod leaves" {
			return nil
		}
		return err
	}
	for {
		want := bytes.Repeat([]byte{byte(rnd.Uint32()), byte(rnd.Uint32()), 'x'}, rnd.IntN(1<<rnd.IntN(16)))
		if err := c.WriteMessage(websocket.BinaryMessage, want); err != nil {
			return err
		}
		_, got, err := c.ReadMessage()
		if err != nil {
			return closed(err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%d bytes came back differently", len(want))
		}
	}
}

// A server process that dies is 1011 to its clients, not the silence of 1006.
func TestRealClientOfADyingServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	dying := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, req, nil)
		if err != nil {
			t.Error(err)
			return
		}
		reset(c.NetConn())
	})}
	conns.Go(func() { _ = dying.Serve(l) })
	t.Cleanup(func() { hangUp(dying); conns.Wait() })

	r := newRelay(t, l.Addr().String(), tunnel.Spec{Close: patience})
	c := r.dial(t)
	_, _, err = c.ReadMessage()
	if !websocket.IsCloseError(err, 1011) {
		t.Errorf("the client saw %v, want 1011", err)
	}
	if res := <-r.results; res.Reason != model.Lost || res.By != model.ByEndpoint || res.CloseCode != 1011 {
		t.Errorf("ended with %+v", res)
	}
}
