package proxy_test

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
)

// stopped tells the replica to go and waits until it lets nobody in.
func (r *replica) stopped() {
	r.t.Helper()
	r.stop()
	eventually(r.t, "nobody is let in", func() bool {
		conn, err := net.Dial("tcp", r.http())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func TestAHandshakeDuringAShutdownComesToItsAnswer(t *testing.T) {
	for _, c := range []struct {
		says   string
		status int
		begin  string
		told   string
	}{
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nfull", 403, "full", "EndpointRefused"},
		{"", 502, "EndpointReset: ", "EndpointReset"},
		{"garbage\r\n", 502, "BadUpgrade: ", "BadUpgrade"},
	} {
		t.Run(c.told, func(t *testing.T) {
			r, g := begin(t, func(o *proxy.Options) { o.Drain.Timeout = patience }), newGate(t)
			r.publish(between(g))
			client := r.connect()
			client.says(knock)
			endpoint := g.next()
			endpoint.head()
			r.stopped()
			endpoint.says(c.says)
			_ = endpoint.CloseWrite()
			if a := client.answered(c.status, c.begin); !a.Close {
				t.Error("the connection is to be used again")
			}
			client.gone()
			began := time.Now()
			if took := r.over(began); took > patience/2 {
				t.Errorf("left after %v", took)
			}
		})
	}
}

// What is still under way when the time is up is cut, and told.
func TestAShutdownCutsHandshakes(t *testing.T) {
	for phase, says := range map[string]string{
		"the endpoint has said nothing": "",
		"half of a 101":                 enter[:20],
		"half of a 403":                 "HTTP/1.1 403 Forbidden\r\n",
		"a 403 without end":             "HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nhalf",
	} {
		t.Run(phase, func(t *testing.T) {
			before := sockets()
			j := new(journal)
			r := start(t, func(o *proxy.Options) {
				o.Drain.Timeout = 300 * time.Millisecond
				o.Log = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			g := newGate(t)
			r.publish(between(g))
			client := r.connect()
			client.says(knock)
			endpoint := g.next()
			endpoint.head()
			endpoint.says(says)
			began := time.Now()
			r.stop()
			if took := r.over(began); took < 300*time.Millisecond || took > 3*time.Second {
				t.Errorf("left after %v", took)
			}
			endpoint.gone()
			_, _ = io.ReadAll(client.from)
			if n := j.count("session ended"); n != 1 {
				t.Errorf("%d ends were told", n)
			}
			if n := r.Handshakes(); n != 0 {
				t.Errorf("%d handshakes are counted", n)
			}
			_, _, _ = client.Close(), endpoint.Close(), g.l.Close()
			eventually(t, "every socket is closed", func() bool { return sockets() <= before })
		})
	}
}

// A load balancer keeps connections ready; they hold up nobody.
func TestClientsThatHaveAskedForNothingHoldUpNoShutdown(t *testing.T) {
	r := begin(t, func(o *proxy.Options) { o.Drain.Timeout = patience })
	r.publish(service(newPod(t, "a")))
	silent, asked := r.connect(), r.connect()
	asked.says("GET / HTTP/1.1\r\nHost: nobody.example.com\r\n\r\n")
	asked.answered(404, "NoRoute: ")
	began := time.Now()
	r.stop()
	asked.gone()
	if took := r.over(began); took > patience*3/4 {
		t.Errorf("left after %v", took)
	}
	_, _ = io.WriteString(silent, knock) // the kernel may tell it only now
	silent.gone()
}
