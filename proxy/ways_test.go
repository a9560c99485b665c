package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// last is a request behind which the replica closes the connection.
const last = "GET /last HTTP/1.1\r\nHost: nobody.example.com\r\nConnection: close\r\n\r\n"

// A request whose head comes in one segment may be taken on by an event loop; cut in two it is
// net/http's. Nobody must see a difference: not the client, not the endpoint, not who reads the log.
func TestBothWaysLookTheSame(t *testing.T) {
	for name, c := range ways {
		t.Run(name, func(t *testing.T) {
			answer := c.answer
			if answer == "" {
				answer = enter + world + byeBye
			}
			request := c.request
			if request == "" {
				request = knock + hello + bye
			}
			whole := c.tell(t, []string{request}, answer)
			for _, cut := range []int{1, len("GET /room HTTP/1.1\r\nHo")} {
				if cut = min(cut, len(request)); cut < len(request) {
					if parts := c.tell(t, []string{request[:cut], request[cut:]}, answer); parts != whole {
						t.Errorf("whole it is\n%s\nand cut at %d\n%s", whole, cut, parts)
					}
				}
			}
			if !strings.Contains(whole, c.has) {
				t.Errorf("no %q in\n%s", c.has, whole)
			}
		})
	}
}

// way is a request and what an endpoint answers to it; "" is a good one.
type way struct {
	request, answer string
	has             string // what will be seen
	route           func(*model.Route)
	options         func(*proxy.Options)
}

// tell sends a request in parts, and returns what was seen and logged until both connections ended.
func (c way) tell(t *testing.T, parts []string, answer string) string {
	t.Helper()
	j := new(journal)
	r := start(t, func(o *proxy.Options) {
		o.Log = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if c.options != nil {
			c.options(o)
		}
	})
	g := newGate(t)
	cfg := between(g)
	if c.route != nil {
		cfg = with(cfg, c.route)
	}
	r.publish(cfg)
	seen := make(chan string, 1)
	go func() { seen <- g.answers(answer) }()
	client := r.connect()
	for i, part := range parts {
		if i > 0 {
			time.Sleep(5 * time.Millisecond) // mostly enough for two segments
		}
		client.says(part)
	}
	heard := client.hearsAll()
	r.stop()
	r.over(time.Now())
	eventually(t, "each end is told", func() bool { return j.count(`msg="session opened"`) == j.count("status=101") })
	_ = g.l.Close()
	return "client: " + heard + "endpoint: " + <-seen + "log: " + j.sessions(g.address())
}

// answers gives everybody the same answer and returns all that was asked.
func (g *gate) answers(answer string) (seen string) {
	for {
		conn, err := g.l.Accept()
		if err != nil {
			return seen
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		from := bufio.NewReader(conn)
		seen += sorted(from)
		_, _ = io.WriteString(conn, answer)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		rest, _ := io.ReadAll(from)
		seen += fmt.Sprintf("%q\n", rest)
		_ = conn.Close()
	}
}

// sorted reads a head and returns it with its fields in order.
func sorted(from *bufio.Reader) string {
	first, _ := from.ReadString('\n')
	var fields []string
	for {
		line, err := from.ReadString('\n')
		if err != nil || line == "\r\n" {
			slices.Sort(fields)
			return fmt.Sprintf("%q %q\n", first, fields)
		}
		fields = append(fields, line)
	}
}

// pinned is a cookie for an endpoint, whose port is never the same.
var pinned = regexp.MustCompile(`S=[0-9a-f]+;`)

// hearsAll returns what comes to the client up to the end, without dates.
func (w *wire) hearsAll() string {
	var all strings.Builder
	for {
		got, err := http.ReadResponse(w.from, nil)
		if err == nil && got.StatusCode == http.StatusSwitchingProtocols {
			_, _ = fmt.Fprintf(&all, "%s %s %v\n", got.Proto, got.Status, got.Header)
		}
		if err != nil || got.StatusCode == http.StatusSwitchingProtocols {
			rest, err := io.ReadAll(w.from)
			_, _ = fmt.Fprintf(&all, "%q %v\n", rest, err)
			return pinned.ReplaceAllString(all.String(), "S=E;")
		}
		got.Header.Del("Date")
		body, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		_, _ = fmt.Fprintf(&all, "%s %s %v %v %q %v\n", got.Proto, got.Status, got.Header, got.TransferEncoding, body, err)
	}
}

// changing is what differs from time to time; both ends say Close, and either may be the first.
var changing = regexp.MustCompile(`(time|session|handshake|duration|error|side)=("(\\.|[^"])*"|\S+) ?`)

// sessions returns the lines about sessions without what is never the same.
func (j *journal) sessions(endpoint netip.AddrPort) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all strings.Builder
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, `msg="session `) {
			all.WriteString(strings.ReplaceAll(changing.ReplaceAllString(line, ""), endpoint.String(), "E"))
		}
	}
	return all.String()
}
