package probe

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy/frame"
)

func TestSocketsThatDoNotLiveAreExplained(t *testing.T) {
	short := 300 * time.Millisecond
	closing := func(code int, text string) func(*websocket.Conn) bool {
		return func(c *websocket.Conn) bool {
			_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, text))
			return true
		}
	}
	behind := func(do func(c net.Conn)) func(t *testing.T) string {
		return func(t *testing.T) string {
			return raw(t, func(c net.Conn, r *http.Request) {
				switching(c, r, nil)
				do(c)
			})
		}
	}
	upgrading := func(first func(*websocket.Conn) bool) func(t *testing.T) string {
		return func(t *testing.T) string {
			return served(t, func(w http.ResponseWriter, r *http.Request) { talkWith(websocket.Upgrader{}, w, r, first) })
		}
	}
	for name, c := range map[string]struct {
		server  func(t *testing.T) string
		o       Options
		finding Finding
		says    []string
	}{
		"frames-are-swallowed": {behind(drain), Options{Timeout: short}, FramesLost, []string{"a Ping had no answer", "proxy_http_version 1.1"}},
		"http-behind-the-101": {
			behind(func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n"); drain(c) }), Options{}, FramesBroken, []string{"no gzip"},
		},
		"masked-frames-of-a-server": {
			behind(func(c net.Conn) { _, _ = c.Write(frame.AppendPing(nil, 1, &[4]byte{1, 2, 3, 4})); drain(c) }), Options{}, FramesBroken, []string{"masked"},
		},
		"compressed-without-agreement": {
			behind(func(c net.Conn) { _, _ = c.Write([]byte{0xc1, 1, 'a'}); drain(c) }), Options{}, FramesBroken, []string{"reserved bits"},
		},
		"dropped-behind-the-101": {behind(hangUp), Options{}, ClosedAtOnce, []string{"1006"}},
		"closed-1008":            {upgrading(closing(1008, "token missing")), Options{}, ClosedAtOnce, []string{`1008 "token missing"`, "a policy"}},
		"closed-4401":            {upgrading(closing(4401, "")), Options{}, ClosedAtOnce, []string{"unauthorized"}},
		"no-reply": {
			upgrading(func(c *websocket.Conn) bool {
				for {
					if _, _, err := c.ReadMessage(); err != nil {
						return false
					}
				}
			}), Options{Send: "hello", Timeout: short}, NoReply, []string{"no message came back"},
		},
		"no-pong-but-messages": {
			upgrading(func(c *websocket.Conn) bool {
				c.SetPingHandler(func(string) error { return nil })
				return c.WriteMessage(websocket.TextMessage, []byte("welcome")) == nil
			}), Options{Timeout: short}, Works, nil,
		},
		"server-pings-itself": {
			upgrading(func(c *websocket.Conn) bool {
				return c.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second)) == nil
			}), Options{Idle: short}, Works, []string{"Pings may have kept it open"},
		},
		"idle-and-open": {upgrading(nil), Options{Idle: short}, Works, []string{"of silence"}},
		"idle-with-pings": {
			upgrading(nil), Options{Idle: short, Ping: 50 * time.Millisecond}, Works, []string{"with a Ping every 50ms"},
		},
		"idle-closed-by-a-frame": {
			upgrading(func(c *websocket.Conn) bool {
				timer := time.AfterFunc(short, func() {
					_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1001, "idle for 300ms"), time.Now().Add(time.Second))
				})
				_, _, err := c.ReadMessage()
				timer.Stop()
				return err == nil
			}), Options{Idle: time.Minute}, ClosedIdle, []string{"a Close frame 1001", "not a load balancer", "Fairlead's", "fairlead.dev/idle-timeout"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld("80", c.server(t)).probe(t, c.o)
			if r.Verdict.Finding != c.finding || r.Verdict.Works != (c.finding == Works) {
				t.Errorf("found %s, works %v; want %s", r.Verdict.Finding, r.Verdict.Works, c.finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q in\n%+v", part, r.Verdict)
			}
			golden(t, "socket-"+name, r)
		})
	}
}

// idleProxy ends connections after a silence, as proxies that only count bytes do.
func idleProxy(silence time.Duration, end func(*net.TCPConn)) func(c net.Conn, r *http.Request) {
	return func(c net.Conn, r *http.Request) {
		switching(c, r, nil)
		p := make([]byte, 1024)
		for {
			_ = c.SetReadDeadline(time.Now().Add(silence))
			n, err := c.Read(p)
			if err != nil {
				end(c.(*net.TCPConn))
				return
			}
			if n >= 2 && p[0] == 0x80|opClose {
				_, _ = c.Write(frame.AppendClose(nil, 1000, "", nil))
				return
			}
			if n >= 6 && p[0] == 0x80|opPing {
				pong := []byte{0x80 | opPong, p[1] & 0x7f}
				for i, b := range p[6:n] {
					pong = append(pong, b^p[2+i%4])
				}
				_, _ = c.Write(pong)
			}
		}
	}
}

func TestWhoClosesSilentSocketsIsFound(t *testing.T) {
	const silence = 600 * time.Millisecond
	fin := func(*net.TCPConn) {}
	rst := func(c *net.TCPConn) { _ = c.SetLinger(0) }
	for name, c := range map[string]struct {
		end  func(*net.TCPConn)
		says []string
	}{
		"fin": {fin, []string{"(FIN)", "Pings keep it open", "proxy_read_timeout", "somebody has set it"}},
		"rst": {rst, []string{"(RST)", "Pings keep it open"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld("80", raw(t, idleProxy(silence, c.end))).probe(t, Options{Idle: 20 * time.Second})
			if r.Verdict.Finding != ClosedIdle || r.Verdict.Works {
				t.Errorf("found %s", r.Verdict.Finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q in\n%+v", part, r.Verdict)
			}
			golden(t, "idle-"+name, r)
		})
	}
}

// A firewall that forgot a connection says nothing: only the last Ping shows it.
func TestAForgottenConnectionIsFound(t *testing.T) {
	r := newWorld("80", raw(t, func(c net.Conn, r *http.Request) {
		switching(c, r, nil)
		p := make([]byte, 1024)
		n, _ := c.Read(p)
		pong := []byte{0x80 | opPong, p[1] & 0x7f}
		for i, b := range p[6:n] {
			pong = append(pong, b^p[2+i%4])
		}
		_, _ = c.Write(pong)
		drain(c)
	})).probe(t, Options{Idle: 100 * time.Millisecond, Timeout: 200 * time.Millisecond, Once: true})
	if r.Verdict.Finding != Forgotten {
		t.Errorf("found %s", r.Verdict.Finding)
	}
	golden(t, "idle-forgotten", r)
}

func TestKnownTimeoutsAreNamed(t *testing.T) {
	behind := func(who string) *Answer { return &Answer{By: []Party{{Name: who}}} }
	for _, c := range []struct {
		silence, stay time.Duration
		a             *Answer
		want          string
	}{
		{60100 * time.Millisecond, time.Minute, behind(nginx), "That is the default of one that gave itself away: nginx: proxy_read_timeout."},
		{100*time.Second + 500*time.Millisecond, 2 * time.Minute, behind(cloudflare), "That is the default of one that gave itself away: Cloudflare: its limit of silence."},
		{10 * time.Second, 30 * time.Second, behind(googleLB), "That is the default of one that gave itself away: Google Cloud load balancer: its backend service timeout."},
		{350 * time.Second, 350 * time.Second, nil, "That is the default of AWS NLB: its idle timeout."},
		{77 * time.Second, 77 * time.Second, nil, "It is no default that is known here, so somebody has set it."},
	} {
		if got := knownTimeouts(c.silence, c.stay, c.a); got != c.want {
			t.Errorf("%v, %v: %s", c.silence, c.stay, got)
		}
	}
}
