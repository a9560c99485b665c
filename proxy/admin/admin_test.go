package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica is a Source with n live sessions, in no order, over three endpoints and two routes.
func replica(n int) Source {
	return Source{
		Ready:      func() error { return nil },
		Routes:     func() any { return map[string]int{"routes": 2} },
		RoutesText: func() string { return "two routes\n" },
		Sessions:   live(n),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("fairlead_ready 1\n"))
		}),
	}
}

func live(n int) iter.Seq[observe.Live] {
	return func(yield func(observe.Live) bool) {
		for i := n; i > 0; i-- {
			l := observe.Live{ToClient: model.Traffic{Bytes: 10, Messages: 2}}
			l.ID = uint64(i)
			l.Route = []string{"wsr/prod/chat/main", "ingress/prod/web/0"}[i%2]
			l.Endpoint = netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:8080", i%3+1))
			l.Client = netip.MustParseAddr("192.0.2.7")
			l.Path = `/a"b`
			l.Start = time.Now().Add(-time.Minute)
			if !yield(l) {
				return
			}
		}
	}
}

func ask(src Source, method, url string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler(src).ServeHTTP(w, r)
	return w
}

func TestProbesSayWhyAReplicaIsNotReady(t *testing.T) {
	src := replica(0)
	if w := ask(src, "GET", "/readyz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("ready replica: %d %q, want 200 ok", w.Code, w.Body)
	}
	src.Ready = func() error { return errors.New("no table was published yet") }
	if w := ask(src, "GET", "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "no table was published yet") {
		t.Errorf("replica without a table: %d %q, want 503 with the reason", w.Code, w.Body)
	}
	if w := ask(src, "GET", "/healthz"); w.Code != 200 {
		t.Errorf("a replica that isn't ready still lives: /healthz is %d, want 200", w.Code)
	}
}

func TestOnlyReadingIsPossible(t *testing.T) {
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/routes", "/sessions"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			if w := ask(replica(1), method, path); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q; want 405, GET, HEAD", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := ask(replica(1), "HEAD", path); w.Code != 200 {
			t.Errorf("HEAD %s: %d, want 200", path, w.Code)
		}
	}
	if w := ask(replica(1), "GET", "/debug/pprof/"); w.Code != 404 {
		t.Errorf("there is no profiler here, but /debug/pprof/ is %d", w.Code)
	}
}

func TestTheIndexNamesEveryPage(t *testing.T) {
	body := ask(replica(0), "GET", "/").Body.String()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/routes", "/sessions"} {
		if !strings.Contains(body, `href="`+path+`"`) {
			t.Errorf("the index page has no link to %s", path)
		}
	}
	if w := ask(replica(0), "GET", "/metrics"); !strings.Contains(w.Body.String(), "fairlead_ready 1") {
		t.Errorf("/metrics answered %q, not what Source.Metrics serves", w.Body)
	}
}

func TestTheTableIsShownAsJSONOrText(t *testing.T) {
	const asJSON, asText = "{\n  \"routes\": 2\n}\n", "two routes\n"
	for _, c := range []struct{ url, accept, want string }{
		{"/routes", "", asJSON},
		{"/routes", "*/*", asJSON},
		{"/routes", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", asJSON},
		{"/routes", "text/plain", asText},
		{"/routes", "text/plain;q=0.9", asText},
		{"/routes", "application/json, text/plain, */*", asJSON},
		{"/routes?format=text", "application/json", asText},
		{"/routes?format=json", "text/plain", asJSON},
	} {
		if got := ask(replica(0), "GET", c.url, "Accept", c.accept).Body.String(); got != c.want {
			t.Errorf("%s with Accept %q: %q, want %q", c.url, c.accept, got, c.want)
		}
	}
}

func TestABadParameterIsNamed(t *testing.T) {
	for url, want := range map[string]string{
		"/routes?format=xml":           "parameter format",
		"/routes?fromat=text":          "parameter fromat",
		"/sessions?limit=many":         "parameter limit",
		"/sessions?limit=-1":           "parameter limit",
		"/sessions?endpoint=chat":      "parameter endpoint",
		"/sessions?endpoint=10.0.0.1:": "parameter endpoint",
		"/sessions?route=a&route=b":    "parameter route",
		"/sessions?pod=chat-0":         "parameter pod",
		"/sessions?limit=%zz":          "query",
	} {
		if w := ask(replica(3), "GET", url); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %q, want 400 that names %q", url, w.Code, w.Body, want)
		}
	}
}

// answer is what a script reads from /sessions.
type answer struct {
	Sessions []struct {
		Session    uint64
		Route      string
		Endpoint   string
		Path       string
		AgeSeconds int
		ToClient   struct{ Bytes, Messages int }
	}
	Listed, Matched, Total int
	Note                   string
}

func list(t *testing.T, src Source, url string) answer {
	t.Helper()
	w := ask(src, "GET", url)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); w.Code != 200 || err != nil {
		t.Fatalf("%s: %d, %v in %q", url, w.Code, err, w.Body)
	}
	if len(a.Sessions) != a.Listed {
		t.Fatalf("%s says it lists %d, but lists %d", url, a.Listed, len(a.Sessions))
	}
	return a
}

func TestSessionsAreListedOldestFirst(t *testing.T) {
	a := list(t, replica(6), "/sessions")
	if a.Listed != 6 || a.Matched != 6 || a.Total != 6 || a.Note != "" {
		t.Errorf("six sessions: %+v", a)
	}
	for i, s := range a.Sessions {
		if s.Session != uint64(i+1) {
			t.Errorf("session %d stands at place %d", s.Session, i+1)
		}
	}
	first := a.Sessions[0]
	if first.Path != `/a"b` || first.AgeSeconds < 60 || first.ToClient.Bytes != 10 || first.ToClient.Messages != 2 {
		t.Errorf("the first session is shown as %+v", first)
	}
	if none := list(t, replica(0), "/sessions"); none.Sessions == nil || none.Total != 0 {
		t.Errorf("no sessions: %+v, want an empty list", none)
	}
}

func TestSessionsCanBeFiltered(t *testing.T) {
	for query, want := range map[string]int{
		"?route=wsr/prod/chat/main":                        3,
		"?route=ingress/prod/web/0":                        3,
		"?route=nothing":                                   0,
		"?endpoint=10.0.0.1:8080":                          2,
		"?endpoint=10.0.0.1":                               2,
		"?endpoint=::ffff:10.0.0.1":                        2,
		"?endpoint=10.0.0.1:9090":                          0,
		"?route=wsr/prod/chat/main&endpoint=10.0.0.1:8080": 1,
		"?route=&endpoint=&limit=":                         6,
	} {
		if a := list(t, replica(6), "/sessions"+query); a.Matched != want || a.Listed != want || a.Total != 6 {
			t.Errorf("%s: listed %d, matched %d of %d; want %d of 6", query, a.Listed, a.Matched, a.Total, want)
		}
	}
}

func TestALongListSaysWhatItLeavesOut(t *testing.T) {
	if a := list(t, replica(2500), "/sessions"); a.Listed != 1000 || a.Total != 2500 || !strings.Contains(a.Note, "limit=0") {
		t.Errorf("listed %d of %d, note %q; want the first 1000 and how to get all", a.Listed, a.Total, a.Note)
	}
	if a := list(t, replica(2500), "/sessions?limit=0"); a.Listed != 2500 || a.Note != "" {
		t.Errorf("limit=0: listed %d, note %q; want all 2500", a.Listed, a.Note)
	}
	if a := list(t, replica(9), "/sessions?limit=2"); a.Listed != 2 || a.Sessions[1].Session != 2 {
		t.Errorf("limit=2: %+v, want the two oldest", a.Sessions)
	}
}
