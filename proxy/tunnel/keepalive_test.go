package tunnel_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// asking asks the client, or the endpoint, after 30 s of silence and waits 10 s for an answer.
func asking(client, endpoint bool) tunnel.Spec {
	return tunnel.Spec{Frames: true, Close: time.Hour, Keepalive: tunnel.Keepalive{
		Interval: 30 * time.Second, Timeout: 10 * time.Second, Client: client, Endpoint: endpoint,
	}}
}

// control makes a control frame as nearly everybody does.
func control(opcode byte, payload []byte, masked bool) []byte {
	out := []byte{fin | opcode, byte(len(payload))}
	if !masked {
		return append(out, payload...)
	}
	key := []byte{4, 44, 144, 244}
	out[1] |= 0x80
	out = append(out, key...)
	for i, b := range payload {
		out = append(out, b^key[i%4])
	}
	return out
}

// receivePing expects a Ping of the proxy's next, with 8 bytes, and returns them.
func (s *story) receivePing(c net.Conn, masked bool) (payload []byte) {
	s.Helper()
	want, size := []byte{0x89, 8}, 0
	if masked {
		want[1] |= 0x80
		size = 4
	}
	head := make([]byte, 2)
	s.readFull(c, head)
	if !bytes.Equal(head, want) {
		s.Fatalf("head % x, want that of a Ping, % x", head, want)
	}
	key := make([]byte, 4)
	s.readFull(c, key[:size])
	payload = make([]byte, 8)
	s.readFull(c, payload)
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return payload
}

// ponged expects that the owner is told of an answer after this time.
func (s *story) ponged(by model.Side, after time.Duration) {
	s.Helper()
	p, ok := awaited(s, s.pongs)
	if !ok || p.by != by || !s.about(p.after, after) {
		s.Errorf("told of an answer (%v) by the %s after %s, want by the %s after %s", ok, p.by, p.after, by, after)
	}
}

// over kills the tunnel, which must have lived until then and have passed on these messages alone.
func (s *story) over(up, down [][]byte) {
	s.Helper()
	s.tunnel.Kill(drain)
	r := s.end()
	s.expect(r, "ServerDrain", "proxy", 0, false)
	count := func(messages [][]byte) model.Traffic {
		return model.Traffic{Bytes: uint64(len(bytes.Join(messages, nil))), Messages: uint64(len(messages))}
	}
	if r.ToEndpoint != count(up) || r.ToClient != count(down) {
		s.Errorf("counted %+v and %+v, want %+v and %+v", r.ToEndpoint, r.ToClient, count(up), count(down))
	}
}

// A client of which nothing comes is asked; its answer stays with the proxy, and neither is counted.
// The endpoint, of which nothing comes either, is not asked: nobody wants that.
func TestSilentClientIsAsked(t *testing.T) {
	inTimeOnBoth(t, asking(true, false), func(s *story) {
		last := s.now()
		hello := message([]byte("hello"), true)
		var before []byte
		for range 3 {
			token := s.receivePing(s.client, false)
			s.timeSince(last, 30*time.Second)
			if bytes.Equal(token, before) {
				s.Error("a second Ping has the token of the first")
			}
			before = token
			s.sleep(3 * time.Second)
			s.send(s.client, control(opPong, token, true))
			last = s.now()
			s.ponged(model.ByClient, 3*time.Second)
		}
		s.send(s.client, hello)
		s.receive(s.endpoint, hello)
		s.over([][]byte{hello}, nil)
	})
}

// So is an endpoint. To it the proxy is a client, and masks (RFC 6455 section 5.3).
func TestSilentEndpointIsAsked(t *testing.T) {
	inTimeOnBoth(t, asking(false, true), func(s *story) {
		last := s.now()
		hello := message([]byte("hello"), false)
		for range 3 {
			token := s.receivePing(s.endpoint, true)
			s.timeSince(last, 30*time.Second)
			s.sleep(time.Second)
			s.send(s.endpoint, control(opPong, token, false))
			last = s.now()
			s.ponged(model.ByEndpoint, time.Second)
		}
		s.send(s.endpoint, hello)
		s.receive(s.client, hello)
		s.over(nil, [][]byte{hello})
	})
}

// What the ends ask and answer each other passes, also while the proxy waits for an answer of its own.
func TestPongsOfTheirOwnPass(t *testing.T) {
	inTime(t, asking(true, true), func(s *story) {
		toClient, toEndpoint := s.receivePing(s.client, false), s.receivePing(s.endpoint, true)
		own := [][]byte{
			control(opPong, nil, true), control(opPong, []byte("longer than eight"), true), control(opPing, []byte("12345678"), true),
			control(opPong, toEndpoint, true), // the other one's
		}
		for _, p := range own {
			s.send(s.client, p)
			s.receive(s.endpoint, p)
		}
		answer := control(opPong, []byte("12345678"), false)
		s.send(s.endpoint, answer)
		s.receive(s.client, answer)
		s.send(s.client, control(opPong, toClient, true))
		s.ponged(model.ByClient, 0)
		s.send(s.client, control(opPong, toClient, true)) // nobody asks any more
		s.receive(s.endpoint, control(opPong, toClient, true))
		s.tunnel.Kill(drain)
		s.end()
	})
}

// Whoever sends anything at all is there, and is not asked.
func TestWhoeverSpeaksIsNotAsked(t *testing.T) {
	inTimeOnBoth(t, asking(true, true), func(s *story) {
		up, down := message([]byte("up"), true), control(opPong, nil, false)
		for range 6 {
			s.sleep(29 * time.Second)
			s.send(s.client, up)
			s.receive(s.endpoint, up)
			s.send(s.endpoint, down)
			s.receive(s.client, down)
		}
		s.tunnel.Kill(drain)
		s.end()
	})
}

// Anything that comes within the time answers as well as a Pong, a piece of a frame too. The Pong
// that comes later still stays with the proxy.
func TestAnySignOfLifeWillDo(t *testing.T) {
	inTimeOnBoth(t, asking(true, false), func(s *story) {
		token := s.receivePing(s.client, false)
		asked := s.now()
		p := message([]byte("slow"), true)
		s.sleep(9 * time.Second)
		s.send(s.client, p[:3])
		s.receive(s.endpoint, p[:3])
		s.sleep(20 * time.Second)
		s.send(s.client, p[3:])
		s.receive(s.endpoint, p[3:])
		s.send(s.client, control(opPong, token, true))
		s.ponged(model.ByClient, 29*time.Second)
		s.receivePing(s.client, false)
		s.timeSince(asked, 59*time.Second)
		s.over([][]byte{p}, nil)
	})
}

// A client that doesn't answer is given up, and the endpoint told why.
func TestClientStopsAnswering(t *testing.T) {
	inTimeOnBoth(t, asking(true, true), func(s *story) {
		began := s.now()
		_, toEndpoint := s.receivePing(s.client, false), s.receivePing(s.endpoint, true)
		s.send(s.endpoint, control(opPong, toEndpoint, false))
		s.ponged(model.ByEndpoint, 0)
		s.receiveClose(s.endpoint, true, 1011, "the client stopped answering")
		s.timeSince(began, 40*time.Second)
		if n, err := s.client.Read(make([]byte, 1)); n > 0 || err == nil {
			s.Errorf("the client still gets %d bytes, %v", n, err)
		}
		s.send(s.endpoint, closeFrame(1011, "", false))
		hangUp(s.endpoint)
		s.expect(s.end(), "KeepaliveTimeout", "proxy", 1011, true)
		s.timeSince(began, 40*time.Second)
	})
}

// An endpoint that doesn't answer is given up, and the client told why.
func TestEndpointStopsAnswering(t *testing.T) {
	inTimeOnBoth(t, asking(true, true), func(s *story) {
		began := s.now()
		toClient, _ := s.receivePing(s.client, false), s.receivePing(s.endpoint, true)
		s.send(s.client, control(opPong, toClient, true))
		s.receiveClose(s.client, false, 1011, "the endpoint stopped answering")
		s.timeSince(began, 40*time.Second)
		s.send(s.client, closeFrame(1011, "", true))
		s.receiveEnd(s.client)
		s.expect(s.end(), "KeepaliveTimeout", "proxy", 1011, true)
		s.timeSince(began, 40*time.Second)
	})
}

// Patience with who doesn't answer puts off no question to who does.
func TestLongTimeoutDelaysNoPing(t *testing.T) {
	spec := asking(true, false)
	spec.Keepalive.Timeout = time.Hour
	inTime(t, spec, func(s *story) {
		last := s.now()
		for range 3 {
			token := s.receivePing(s.client, false)
			s.timeSince(last, 30*time.Second)
			s.send(s.client, control(opPong, token, true))
			last = s.now()
			s.ponged(model.ByClient, 0)
		}
		s.over(nil, nil)
	})
}

// Without a timeout silence has no consequences: an end is asked again and again.
func TestNobodyIsDroppedWithoutATimeout(t *testing.T) {
	spec := asking(true, true)
	spec.Keepalive.Timeout = 0
	inTime(t, spec, func(s *story) {
		began := s.now()
		for i := range 5 {
			s.receivePing(s.client, false)
			s.receivePing(s.endpoint, true)
			s.timeSince(began, time.Duration(i+1)*30*time.Second)
		}
		s.over(nil, nil)
	})
}

// A Ping that is due in the middle of a frame goes out behind it: when the frame ends with what was
// read at once, and when another one begins in it.
func TestPingNeverSplitsAFrame(t *testing.T) {
	for name, more := range map[string]int{"at the end of a piece": 0, "inside of a piece": 7} {
		t.Run(name, func(t *testing.T) {
			inTimeOnBoth(t, asking(true, false), func(s *story) {
				s.frameInPieces(s.endpoint, s.client, false, more)
			})
			inTimeOnBoth(t, asking(false, true), func(s *story) {
				s.frameInPieces(s.client, s.endpoint, true, more)
			})
		})
	}
}

// frameInPieces sends a frame during which the other end is to be asked, and so many bytes of the
// next with its last piece.
func (s *story) frameInPieces(from, to net.Conn, masked bool, more int) {
	big, next := message(make([]byte, 200<<10), masked), message([]byte("next"), masked)
	rest := big
	for range 4 {
		gone := s.flood(from, rest[:50000])
		s.receive(to, rest[:50000])
		gone()
		rest = rest[50000:]
		s.sleep(20 * time.Second)
	}
	gone := s.flood(from, append(bytes.Clone(rest), next[:more]...))
	s.receive(to, rest)
	s.receivePing(to, masked)
	s.receive(to, next[:more])
	gone()
	s.send(from, next[more:])
	s.receive(to, next[more:])
	s.tunnel.Kill(drain)
	s.end()
}

// Who has said Close has said all, and who was told so waits for nothing more: neither is asked
// again, however long the other one takes.
func TestNobodyIsAskedBehindAClose(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		inTimeOnBoth(t, asking(true, true), func(s *story) {
			s.send(s.client, closeFrame(1000, "", true))
			s.receiveClose(s.endpoint, true, 1000, "")
			s.sleep(5 * time.Minute)
			last := message([]byte("and then"), false)
			s.send(s.endpoint, last)
			s.receive(s.client, last)
			s.sleep(5 * time.Minute)
			s.send(s.endpoint, closeFrame(1000, "", false))
			s.receiveClose(s.client, false, 1000, "")
			hangUp(s.endpoint)
			s.receiveEnd(s.client)
			s.expect(s.end(), "Closed", "client", 1000, false)
		})
	})
	t.Run("endpoint", func(t *testing.T) {
		inTimeOnBoth(t, asking(true, true), func(s *story) {
			s.send(s.endpoint, closeFrame(1001, "", false))
			s.receiveClose(s.client, false, 1001, "")
			s.sleep(5 * time.Minute)
			s.send(s.client, closeFrame(1001, "", true))
			s.receiveClose(s.endpoint, true, 1001, "")
			hangUp(s.endpoint)
			s.receiveEnd(s.client)
			s.expect(s.end(), "Closed", "endpoint", 1001, false)
		})
	})
	t.Run("proxy", func(t *testing.T) {
		inTimeOnBoth(t, asking(true, true), func(s *story) {
			s.tunnel.Close(drain, 0)
			s.receiveClose(s.client, false, 1001, "draining")
			s.sleep(5 * time.Minute)
			s.send(s.client, closeFrame(1001, "", true))
			s.receiveClose(s.endpoint, true, 1001, "")
			hangUp(s.endpoint)
			s.receiveEnd(s.client)
			s.expect(s.end(), "ServerDrain", "proxy", 1001, false)
		})
	})
}

// Nor is an end that has ended its direction, which can't answer, but still gets what the other one
// has to say.
func TestNobodyIsAskedBehindAnEnd(t *testing.T) {
	inTimeTLS(t, asking(true, true), func(s *story) {
		halfClose(s.T, s.client)
		s.receiveEnd(s.endpoint)
		p := message([]byte("to whom it may concern"), false)
		for range 5 {
			s.sleep(time.Minute)
			s.send(s.endpoint, p)
			s.receive(s.client, p)
		}
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "Lost", "client", 0, false)
	})
}

// Ends that answer every Ping, and say nothing else, are idle all the same.
func TestKeepaliveDoesNotHideThatATunnelIsIdle(t *testing.T) {
	spec := asking(true, true)
	spec.Idle, spec.Keepalive.Interval = time.Hour, 25*time.Minute
	inTimeOnBoth(t, spec, func(s *story) {
		began := s.now()
		for range 2 {
			toClient, toEndpoint := s.receivePing(s.client, false), s.receivePing(s.endpoint, true)
			s.send(s.client, control(opPong, toClient, true))
			s.send(s.endpoint, control(opPong, toEndpoint, false))
		}
		s.receiveClose(s.client, false, 1001, "idle for 1h0m0s")
		s.timeSince(began, time.Hour)
		s.send(s.client, closeFrame(1001, "", true))
		s.receiveClose(s.endpoint, true, 1001, "")
		hangUp(s.endpoint)
		s.receiveEnd(s.client)
		s.expect(s.end(), "IdleTimeout", "proxy", 1001, false)
	})
}

// A client that doesn't read is asked too, and gets the Ping behind what waits for it.
func TestPingWaitsBehindAFlood(t *testing.T) {
	inTimeOnBoth(t, asking(true, false), func(s *story) {
		big := message(make([]byte, tooMuch), false)
		gone := s.flood(s.endpoint, big)
		s.sleep(35 * time.Second)
		s.receive(s.client, big)
		gone()
		s.send(s.client, control(opPong, s.receivePing(s.client, false), true))
		if _, ok := awaited(s, s.pongs); !ok {
			s.Error("the answer is not told")
		}
		s.over(nil, [][]byte{big})
	})
}

// A client that reads slowly gets a Ping long after it was sent. It is there nevertheless: it takes
// what was stuck, again and again.
func TestSlowReaderIsNotGivenUp(t *testing.T) {
	inTimeOnBoth(t, asking(true, false), func(s *story) {
		p := message(make([]byte, 1000), false)
		const messages = tooMuch / 1000
		gone := s.flood(s.endpoint, bytes.Repeat(p, messages))
		pings := 0
		for i := 0; i < messages; {
			head := make([]byte, 2)
			s.readFull(s.client, head)
			if head[0] == 0x89 {
				payload := make([]byte, 8)
				s.readFull(s.client, payload)
				pings++
				continue
			}
			s.receive(s.client, p[2:])
			if i++; i%100 == 0 {
				s.sleep(4 * time.Second)
			}
		}
		gone()
		s.alive()
		s.tunnel.Kill(drain)
		s.end()
	})
}

// Nothing is read of a client as long as the endpoint doesn't take what it has sent before, its
// answer to a Ping neither. It is not given up for that.
func TestClientIsNotGivenUpWhenTheEndpointDoesNotRead(t *testing.T) {
	inTimeOnBoth(t, asking(true, false), func(s *story) {
		big := message(make([]byte, tooMuch), true)
		gone := s.flood(s.client, big)
		s.sleep(5 * time.Minute)
		s.alive()
		s.receive(s.endpoint, big)
		gone()
		s.send(s.client, control(opPong, s.receivePing(s.client, false), true))
		s.tunnel.Kill(drain)
		s.end()
	})
}

// The answer comes in two pieces, torn at every byte, with a message before and one behind it.
func TestPongInPieces(t *testing.T) {
	inTimeOnBoth(t, asking(true, false), func(s *story) {
		p := message([]byte("message"), true)
		size := len(control(opPong, make([]byte, 8), true))
		var sent [][]byte
		for cut := range size + 1 {
			pong := control(opPong, s.receivePing(s.client, false), true)
			s.send(s.client, append(bytes.Clone(p), pong[:cut]...))
			s.receive(s.endpoint, p)
			s.settle()
			s.send(s.client, append(bytes.Clone(pong[cut:]), p...))
			s.receive(s.endpoint, p)
			if _, ok := awaited(s, s.pongs); !ok {
				s.Errorf("torn at %d the answer is not told", cut)
			}
			sent = append(sent, p, p)
		}
		s.over(sent, nil)
	})
}

// Pings enter streams of messages of random sizes at random moments, in both directions: whatever
// the moment, both ends read whole messages, in order, and Pings between them.
func TestPingAtAnyMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, n network) {
		s := start(t, n, tunnel.Spec{Frames: true, Close: patience, Keepalive: tunnel.Keepalive{
			Interval: time.Millisecond, Client: true, Endpoint: true,
		}})
		const messages = 300
		var wg sync.WaitGroup
		talk := func(c net.Conn, seed uint64, masked bool) {
			r := rand.New(rand.NewPCG(seed, 8))
			for i := range messages {
				f := message(bytes.Repeat([]byte{byte(i)}, r.IntN(1<<r.IntN(18))), masked)
				for len(f) > 0 {
					k := 1 + r.IntN(len(f))
					if _, err := c.Write(f[:k]); err != nil {
						t.Error(err)
						return
					}
					f = f[k:]
				}
				if i%30 == 0 {
					time.Sleep(5 * time.Millisecond) // or nobody would ever be asked
				}
			}
		}
		listen := func(c net.Conn, masked bool) {
			pings, err := readNumbered(c, messages, masked)
			if err != nil || pings == 0 {
				t.Errorf("%d Pings among the messages, %v", pings, err)
			}
		}
		wg.Go(func() { talk(s.client, 1, true) })
		wg.Go(func() { talk(s.endpoint, 2, false) })
		wg.Go(func() { listen(s.endpoint, true) })
		wg.Go(func() { listen(s.client, false) })
		wg.Wait()
		s.tunnel.Kill(drain)
		r := s.end()
		if r.ToEndpoint.Messages != messages || r.ToClient.Messages != messages {
			t.Errorf("%+v", r)
		}
	})
}

// readNumbered reads messages whose payload is their number, and counts the Pings between them.
func readNumbered(c io.Reader, messages int, masked bool) (pings int, err error) {
	key := 0
	if masked {
		key = 4
	}
	for i := 0; i < messages; {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			return pings, err
		}
		if head[0] == 0x89 && head[1]&0x7f == 8 {
			if _, err := io.CopyN(io.Discard, c, int64(key+8)); err != nil {
				return pings, err
			}
			pings++
			continue
		}
		length := make([]byte, 8+key)
		if _, err := io.ReadFull(c, length); err != nil || head[0] != 0x82 || head[1]&0x7f != 127 {
			return pings, fmt.Errorf("message %d begins with % x: %w", i, head, err)
		}
		size := int(length[5])<<16 | int(length[6])<<8 | int(length[7])
		payload := make([]byte, size)
		if _, err := io.ReadFull(c, payload); err != nil {
			return pings, err
		}
		for k, b := range payload {
			if masked {
				b ^= length[8+k%4]
			}
			if b != byte(i) {
				return pings, fmt.Errorf("byte %d of message %d is %d", k, i, b)
			}
		}
		i++
	}
	return pings, nil
}

// Real clients and servers answer on their own, and notice nothing; when one of them stops, the
// other one is told.
func TestGorillaAnswersPings(t *testing.T) {
	address, ends := echoServer(t)
	r := newRelay(t, address, tunnel.Spec{Close: patience, Keepalive: tunnel.Keepalive{
		Interval: 10 * time.Millisecond, Timeout: time.Second, Client: true, Endpoint: true,
	}})
	c := r.dial(t)
	heard := make(chan string, 100)
	stop := make(chan struct{})
	go func() {
		defer close(heard)
		for {
			_, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			heard <- string(p)
			if string(p) == "stop" {
				<-stop // and so answers no more
				return
			}
		}
	}()
	if got := <-heard; got != "welcome" {
		t.Errorf("%q", got)
	}
	for told := map[model.Side]int{}; told[model.ByClient] < 10 || told[model.ByEndpoint] < 10; {
		p := <-r.pongs
		told[p.by]++
		if p.after < 0 || p.after > time.Second {
			t.Errorf("an answer after %s", p.after)
		}
	}
	if err := c.WriteMessage(websocket.TextMessage, []byte("still there")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "still there" {
		t.Errorf("%q", got)
	}
	if err := c.WriteMessage(websocket.TextMessage, []byte("stop")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "stop" {
		t.Errorf("%q", got)
	}
	res := <-r.results
	if res.Reason != model.KeepaliveTimeout || res.By != model.ByProxy || res.ToEndpoint.Messages != 2 {
		t.Errorf("ended with %+v", res)
	}
	if err := <-ends; !websocket.IsCloseError(err, 1011) {
		t.Errorf("the server saw %v, want Close 1011", err)
	}
	close(stop)
	for p := range heard {
		t.Errorf("%q", p)
	}
}
