package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crew is a data plane as an Observer sees it: its live sessions, its scrapes and its log.
type crew struct {
	*Observer
	t    testing.TB
	reg  *prometheus.Registry
	log  *bytes.Buffer
	mu   sync.Mutex
	live map[uint64]Live
	next uint64

	expiries map[string]time.Time
}

// none is a list of no certificates.
func none(func(string, time.Time) bool) {}

func newCrew(t testing.TB) *crew {
	c := &crew{t: t, reg: prometheus.NewRegistry(), log: &bytes.Buffer{}, live: map[uint64]Live{}, expiries: map[string]time.Time{}}
	o, err := New(c.reg, slog.New(slog.NewJSONHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})), c.sessions(), maps.All(c.expiries))
	if err != nil {
		t.Fatal(err)
	}
	c.Observer = o
	return c
}

// sessions holds the lock while it yields, as a live list well may.
func (c *crew) sessions() iter.Seq[Live] {
	return func(yield func(Live) bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, l := range c.live {
			if !yield(l) {
				return
			}
		}
	}
}

// open opens a session of a route, on the endpoint of that number.
func (c *crew) open(route string, endpoint byte) uint64 {
	s := Session{
		Route: route, Backend: "prod/chat:8080", Protocol: "websocket", Start: time.Now(),
		Endpoint: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, endpoint}), 8080), EndpointName: "chat-" + strconv.Itoa(int(endpoint)),
		Client: netip.MustParseAddr("192.0.2.7"), Host: "chat.example.com", Path: "/socket",
	}
	c.mu.Lock()
	c.next++
	s.ID = c.next
	c.live[s.ID] = Live{Session: s}
	c.mu.Unlock()
	c.Opened(s, 3*time.Millisecond)
	return s.ID
}

// move adds a message of so many bytes in each direction to a live session.
func (c *crew) move(id, toEndpoint, toClient uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.live[id]
	l.ToEndpoint.Bytes += toEndpoint
	l.ToEndpoint.Messages++
	l.ToClient.Bytes += toClient
	l.ToClient.Messages++
	c.live[id] = l
}

// leave takes a session off the live list and returns its outcome, which finish would tell.
func (c *crew) leave(id uint64, change ...func(*Outcome)) Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.live[id]
	delete(c.live, id)
	out := Outcome{
		Session: l.Session, Reason: model.Closed, By: model.ByClient, CloseCode: 1000, Status: 101,
		Handshake: 3 * time.Millisecond, Duration: time.Minute, ToEndpoint: l.ToEndpoint, ToClient: l.ToClient, Tunnelled: true,
	}
	for _, f := range change {
		f(&out)
	}
	return out
}

// scrape returns every series of ours, as name{label="value",…}, and its value; of a histogram the
// count.
func (c *crew) scrape() map[string]float64 {
	c.t.Helper()
	families, err := c.reg.Gather()
	if err != nil {
		c.t.Fatalf("the scrape failed: %v", err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			found[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return found
}

func (c *crew) want(want map[string]float64) {
	c.t.Helper()
	found := c.scrape()
	for series, value := range want {
		if got, ok := found[series]; !ok || got != value {
			c.t.Errorf("%s is %v (there: %v), want %v; scraped:\n%s", series, got, ok, value,
				strings.Join(slices.Sorted(maps.Keys(found)), "\n"))
		}
	}
}

// lines returns what was logged, one map a line, and forgets it.
func (c *crew) lines() []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for dec := json.NewDecoder(c.log); ; {
		var line map[string]any
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, line)
	}
}

func TestLiveSessionsAreCountedWhereTheyAre(t *testing.T) {
	c := newCrew(t)
	c.open("chat", 1)
	gone := c.open("chat", 1)
	c.open("chat", 2)
	c.open("feed", 2)
	c.Ended(c.leave(gone))
	c.want(map[string]float64{
		`fairlead_sessions{backend="prod/chat:8080",endpoint="10.0.0.1:8080",route="chat"}`: 1,
		`fairlead_sessions{backend="prod/chat:8080",endpoint="10.0.0.2:8080",route="chat"}`: 1,
		`fairlead_sessions{backend="prod/chat:8080",endpoint="10.0.0.2:8080",route="feed"}`: 1,
		`fairlead_handshakes_total{reason="Established",route="chat"}`:                      3,
		`fairlead_handshake_duration_seconds{route="chat"}`:                                 3,
		`fairlead_session_ends_total{reason="Closed",route="chat",side="client"}`:           1,
		`fairlead_session_duration_seconds{route="chat"}`:                                   1,
		`fairlead_close_codes_total{code="1000",route="chat",side="client"}`:                1,
	})
}

func TestTrafficOfALiveSocketShowsBeforeItEnds(t *testing.T) {
	c := newCrew(t)
	id := c.open("chat", 1)
	c.move(id, 100, 2000)
	want := map[string]float64{
		`fairlead_bytes_total{direction="to_endpoint",route="chat"}`:    100,
		`fairlead_bytes_total{direction="to_client",route="chat"}`:      2000,
		`fairlead_messages_total{direction="to_endpoint",route="chat"}`: 1,
		`fairlead_messages_total{direction="to_client",route="chat"}`:   1,
	}
	c.want(want)
	out := c.leave(id)
	c.want(want) // neither live nor told to Ended: a counter must not fall, that reads as a restart
	c.Ended(out)
	c.want(want)
	c.move(c.open("chat", 1), 1, 1)
	c.want(map[string]float64{
		`fairlead_bytes_total{direction="to_endpoint",route="chat"}`:  101,
		`fairlead_messages_total{direction="to_client",route="chat"}`: 2,
	})
}

func TestCountersNeverFallWhileSessionsComeAndGo(t *testing.T) {
	c := newCrew(t)
	const sockets, rounds, bytes = 4, 200, 7
	var work sync.WaitGroup
	for range sockets {
		work.Go(func() {
			for range rounds {
				id := c.open("chat", 1)
				c.move(id, bytes, bytes)
				c.Ended(c.leave(id))
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	const series = `fairlead_bytes_total{direction="to_client",route="chat"}`
	for last, running := 0.0, true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		now := c.scrape()[series]
		if now < last || now > sockets*rounds*bytes {
			t.Fatalf("%s went from %v to %v; at most %d bytes were moved", series, last, now, sockets*rounds*bytes)
		}
		last = now
	}
	c.want(map[string]float64{series: sockets * rounds * bytes})
}

func TestRefusedHandshakesAndPlainRequestsAreToldApart(t *testing.T) {
	c := newCrew(t)
	c.Ended(Outcome{Session: Session{Protocol: "websocket"}, Reason: model.NoRoute, Status: 404})
	c.Ended(Outcome{Session: Session{Route: "chat", Protocol: "websocket"}, Reason: model.NoEndpoint, Status: 503})
	c.Ended(Outcome{Session: Session{Route: "chat"}, Reason: model.Served, Status: 200})
	c.Ended(Outcome{Session: Session{Route: "chat"}, Reason: model.ClientGone})
	c.Ended(Outcome{Session: Session{Route: "chat"}, Reason: model.Served, Status: 999})
	c.want(map[string]float64{
		`fairlead_handshakes_total{reason="NoRoute",route=""}`:        1,
		`fairlead_handshakes_total{reason="NoEndpoint",route="chat"}`: 1,
		`fairlead_http_requests_total{code="200",route="chat"}`:       1,
		`fairlead_http_requests_total{code="none",route="chat"}`:      1,
		`fairlead_http_requests_total{code="other",route="chat"}`:     1,
	})
}

func TestCloseCodesAreBounded(t *testing.T) {
	c := newCrew(t)
	for code, label := range map[int]string{
		1000: "1000", 1001: "1001", 1006: "1006", 1014: "1014", 1015: "other", 999: "other", 2999: "other", 65535: "other",
		3000: "3xxx", 3999: "3xxx", 4000: "4xxx", 4999: "4xxx", 5000: "other",
	} {
		before := c.scrape()
		c.Ended(c.leave(c.open("chat", 1), func(o *Outcome) { o.CloseCode, o.By = code, model.ByEndpoint }))
		series := `fairlead_close_codes_total{code="` + label + `",route="chat",side="endpoint"}`
		if got := c.scrape()[series]; got != before[series]+1 {
			t.Errorf("close code %d: %s went from %v to %v, want one more", code, series, before[series], got)
		}
	}
	c.Ended(c.leave(c.open("lost", 1), func(o *Outcome) { o.CloseCode, o.Reason = 0, model.Lost }))
	for series := range c.scrape() {
		if strings.HasPrefix(series, "fairlead_close_codes_total") && strings.Contains(series, `"lost"`) {
			t.Errorf("a session without a Close frame counts as %s", series)
		}
	}
}

// named returns the series that carry the route as label.
func (c *crew) named(route string) []string {
	c.t.Helper()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.scrape())), func(series string) bool {
		return !strings.Contains(series, `route="`+route+`"`)
	})
}

func TestADeletedRouteLeavesNoLabels(t *testing.T) {
	c := newCrew(t)
	early, late := c.open("chat", 1), c.open("chat", 1)
	kept := c.open("feed", 1)
	c.move(late, 5, 5)
	c.Ended(c.leave(early))
	c.Ended(Outcome{Session: Session{Route: "chat"}, Reason: model.Served, Status: 200})

	c.Forget([]string{"chat", "never-seen"})
	if got := c.named("chat"); len(got) != 1 || !strings.HasPrefix(got[0], "fairlead_sessions") {
		t.Errorf("after its route was deleted a live session shows as %v, want fairlead_sessions alone", got)
	}
	c.Ended(c.leave(late))
	if got := c.named("chat"); len(got) != 0 {
		t.Errorf("a session that ended after its route was deleted brought back %v", got)
	}
	c.Ended(c.leave(kept))
	c.want(map[string]float64{`fairlead_session_ends_total{reason="Closed",route="feed",side="client"}`: 1})
}

func TestARouteThatReturnsCountsFromZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew(t)
		old := c.open("chat", 1)
		c.move(old, 100, 100)
		c.scrape()
		time.Sleep(time.Second)
		c.Forget([]string{"chat"})
		time.Sleep(time.Second)
		c.move(c.open("chat", 1), 1, 1)
		c.Ended(c.leave(old))
		c.want(map[string]float64{
			`fairlead_bytes_total{direction="to_client",route="chat"}`:     1,
			`fairlead_handshakes_total{reason="Established",route="chat"}`: 1,
		})
		for _, series := range c.named("chat") {
			if strings.HasPrefix(series, "fairlead_session_ends_total") {
				t.Errorf("the end of a session of the deleted route counts for its successor: %s", series)
			}
		}
	})
}

func TestThousandsOfDeletedRoutesAreNotRememberedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew(t)
		c.open("preview-0", 1)
		for i := range 2 * forgottenMin {
			c.Forget([]string{"preview-" + strconv.Itoa(i)})
		}
		if n := len(c.gone); n != 2*forgottenMin {
			t.Fatalf("of %d routes forgotten a moment ago %d are known, want all: their requests may still end", 2*forgottenMin, n)
		}
		time.Sleep(2 * forgottenFor)
		c.Forget([]string{"last"})
		if _, ok := c.gone["preview-0"]; !ok || len(c.gone) != 2 {
			t.Errorf("after hours %d names are kept (preview-0, whose session lives: %v), want it and the last one", len(c.gone), ok)
		}
	})
}

func TestPublishesAndStates(t *testing.T) {
	c := newCrew(t)
	if _, ok := c.scrape()["fairlead_control_plane_up{}"]; ok {
		t.Error("the control plane is reported before there is one")
	}
	c.Published(Publish{Routes: 3, Backends: 2, Endpoints: 9, Took: time.Millisecond, Changed: true})
	c.Published(Publish{Routes: 3, Backends: 2, Endpoints: 9})
	c.ControlPlane(true)
	c.Readiness(true, false)
	c.want(map[string]float64{
		`fairlead_publishes_total{result="changed"}`: 1, `fairlead_publishes_total{result="unchanged"}`: 1,
		`fairlead_publish_duration_seconds{}`: 1,
		`fairlead_table_routes{}`:             3, `fairlead_table_backends{}`: 2, `fairlead_table_endpoints{}`: 9,
		`fairlead_control_plane_up{}`: 1, `fairlead_ready{}`: 1, `fairlead_draining{}`: 0,
	})
	if at := c.scrape()["fairlead_last_publish_timestamp_seconds{}"]; time.Since(time.Unix(int64(at), 0)) > time.Minute {
		t.Errorf("the last publish is at %v, want now", at)
	}
	c.ControlPlane(false)
	c.ControlPlane(false)
	c.Readiness(false, true)
	c.Readiness(false, true)
	c.want(map[string]float64{`fairlead_control_plane_up{}`: 0, `fairlead_ready{}`: 0, `fairlead_draining{}`: 1})
	var messages []string
	for _, line := range c.lines() {
		messages = append(messages, line["msg"].(string))
	}
	if want := []string{"route table published", "control plane answers", "readiness changed",
		"control plane does not answer; traffic goes on with the last table", "readiness changed"}; !slices.Equal(messages, want) {
		t.Errorf("logged %q, want %q: a change once, and nothing else", messages, want)
	}
}

func TestOpenAndEndAreLoggedWithTheSameKeys(t *testing.T) {
	c := newCrew(t)
	id := c.open("chat", 1)
	c.move(id, 5, 6)
	c.Ended(c.leave(id, func(o *Outcome) { o.Err = errors.New("why") }))
	lines := c.lines()
	if len(lines) != 2 || lines[0]["msg"] != "session opened" || lines[1]["msg"] != "session ended" {
		t.Fatalf("logged %v, want one line at the open and one at the end", lines)
	}
	for key, want := range map[string]any{
		"session": 1.0, "route": "chat", "backend": "prod/chat:8080", "endpoint": "10.0.0.1:8080", "pod": "chat-1",
		"client": "192.0.2.7", "host": "chat.example.com", "path": "/socket", "protocol": "websocket", "tls": false,
		"handshake": 3e6, "level": "INFO",
	} {
		if lines[0][key] != want || lines[1][key] != want {
			t.Errorf("%s is %v at the open and %v at the end, want %v", key, lines[0][key], lines[1][key], want)
		}
	}
	for key, want := range map[string]any{
		"reason": "Closed", "side": "client", "close_code": 1000.0, "status": 101.0, "duration": 6e10, "error": "why",
		"bytes_to_endpoint": 5.0, "bytes_to_client": 6.0, "messages_to_endpoint": 1.0, "messages_to_client": 1.0,
	} {
		if lines[1][key] != want {
			t.Errorf("%s is %v at the end, want %v", key, lines[1][key], want)
		}
	}
}

func TestAFloodOfClientsDoesNotFloodTheLog(t *testing.T) {
	levels := map[model.Reason]string{
		model.NoRoute: "DEBUG", model.BadHandshake: "DEBUG", model.NotReady: "DEBUG", model.ClientGone: "DEBUG", model.Served: "DEBUG",
		model.EndpointRefused: "INFO",
		model.NoEndpoint:      "WARN", model.ConnectFailed: "WARN", model.HandshakeTimeout: "WARN", model.BadUpgrade: "WARN",
	}
	c := newCrew(t)
	for reason, want := range levels {
		c.Ended(Outcome{Session: Session{ID: 7, Protocol: "websocket"}, Reason: reason})
		line := c.lines()[0]
		if line["level"] != want {
			t.Errorf("%s is logged at %v, want %s", reason, line["level"], want)
		}
		for _, unknown := range []string{"route", "endpoint", "pod", "client", "side", "close_code", "error"} {
			if v, ok := line[unknown]; ok {
				t.Errorf("%s: nothing is known of %s, but it is logged as %v", reason, unknown, v)
			}
		}
	}
}

// 10,000 clients a second may return after an outage: what is not logged must cost next to nothing.
func TestASessionThatIsNotLoggedAllocatesNothing(t *testing.T) {
	o, err := New(prometheus.NewRegistry(), slog.New(slog.DiscardHandler), func(func(Live) bool) {}, none)
	if err != nil {
		t.Fatal(err)
	}
	s := Session{Route: "chat", Protocol: "websocket", Client: netip.MustParseAddr("192.0.2.7"), Host: "chat.example.com"}
	n := testing.AllocsPerRun(1000, func() {
		o.Opened(s, time.Millisecond)
		o.Ended(Outcome{Session: s, Reason: model.Closed, By: model.ByClient, CloseCode: 1001, Tunnelled: true})
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOneRegistryTakesOneObserver(t *testing.T) {
	c := newCrew(t)
	if _, err := New(c.reg, slog.New(slog.DiscardHandler), c.sessions(), none); err == nil {
		t.Error("a second Observer was registered; its counters would be lost")
	}
}

func TestMetricsAreServedOverHTTP(t *testing.T) {
	reg := NewRegistry()
	o, err := New(reg, slog.New(slog.DiscardHandler), func(func(Live) bool) {}, none)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{"# TYPE fairlead_ready gauge\n", "\nfairlead_ready 0\n", "\ngo_goroutines "} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("/metrics has no %q", line)
		}
	}
}
