package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// retrying changes when the route tries again.
func retrying(retries model.Retries) func(*model.Route) {
	return func(r *model.Route) { r.Retries = retries }
}

// answering is a pod that gives every request the same answer and counts them.
func answering(t *testing.T, status int) (*pod, *atomic.Int64) {
	asked := new(atomic.Int64)
	return newPod(t, fmt.Sprint(status)).serving(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, status)
	}), asked
}

func TestAnAnswerMayBeAsGoodAsNone(t *testing.T) {
	r := start(t)
	bad, asked := answering(t, 503)
	good := newPod(t, "good")
	retries := retrying(model.Retries{On: model.RetryNever, Statuses: []int{502, 503}})
	r.publish(with(service(bad, good), retries))
	for range 6 {
		if name, _ := r.who(); name != "good" {
			t.Errorf("came to %s", name)
		}
	}
	if n := asked.Load(); n == 0 {
		t.Error("the bad endpoint never was asked: the story tells nothing")
	}
	// It is relayed when there is no other endpoint.
	r.publish(with(service(bad), retries))
	if _, answer, err := r.dial(host, "/"); err == nil || answer.StatusCode != 503 {
		t.Errorf("got %v", answer)
	}
	// And when it was the last attempt.
	other, _ := answering(t, 502)
	third, _ := answering(t, 502)
	r.publish(with(service(bad, other, third), retrying(model.Retries{Attempts: 2, Statuses: []int{502, 503}})))
	bad503, before := 0, asked.Load()
	for range 6 {
		if _, answer, err := r.dial(host, "/"); err == nil || answer.StatusCode/100 != 5 {
			t.Errorf("got %v", answer)
		} else if answer.StatusCode == 503 {
			bad503++
		}
	}
	if n := asked.Load() - before; n != 4 || bad503 != 2 {
		t.Errorf("of 6 handshakes in 2 attempts each it was asked %d times and relayed %d times", n, bad503)
	}
	eventually(t, "nothing but the six sockets is counted", func() bool { return r.Table().View()[0].Sessions == 6 })
}

func TestARouteMaySayHowManyEndpointsAreTried(t *testing.T) {
	r := start(t)
	var cfg model.Config
	publish := func(retries model.Retries) {
		cfg = service(newPod(t, "up"))
		for range 5 {
			cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: refusing(t)})
		}
		r.publish(with(cfg, retrying(retries)))
	}
	succeed := func() (n int) {
		for range 6 { // each of them has the first turn once
			if conn, _, err := r.dial(host, "/"); err == nil {
				n++
				_ = conn.Close()
			}
		}
		return n
	}
	for _, c := range []struct {
		retries model.Retries
		want    int
	}{
		{model.Retries{Attempts: 1}, 1},
		{model.Retries{On: model.RetryNever}, 1},
		{model.Retries{On: model.RetryInvalidHeader | model.RetryTimeout}, 1},
		{model.Retries{Timeout: 1}, 1}, // a nanosecond
		{model.Retries{Unlimited: true}, 6},
		{model.Retries{Attempts: 6, Timeout: model.Off}, 6},
	} {
		publish(c.retries)
		if n := succeed(); n != c.want {
			t.Errorf("%+v: %d of 6 succeed, want %d", c.retries, n, c.want)
		}
	}
}

func TestAnEndpointThatIsSilentOrTalksNonsenseMayNotBeTheLast(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  string
		on      model.RetryOn
		refused string
	}{
		{"silence", "", model.RetryTimeout, "HandshakeTimeout"},
		{"half an answer", "HTTP/1.1 101 Sw", model.RetryTimeout, "HandshakeTimeout"},
		{"nonsense", "SSH-2.0-OpenSSH_9.9\r\n\r\n", model.RetryInvalidHeader, "BadUpgrade"},
		{"a wrong key", strings.Replace(enter, "s3pP", "AAAA", 1), model.RetryInvalidHeader, "BadUpgrade"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, bad, good := begin(t), newGate(t), newPod(t, "good")
			cfg := service(good)
			cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: bad.address()})
			publish := func(on model.RetryOn) {
				r.publish(with(cfg, func(r *model.Route) {
					r.Retries.On, r.Timeouts.Handshake = on, model.Timeout(200*time.Millisecond)
				}))
			}
			go func() {
				for {
					conn, err := bad.l.AcceptTCP()
					if err != nil {
						return
					}
					t.Cleanup(func() { _ = conn.Close() })
					_, _ = conn.Read(make([]byte, 4096))
					_, _ = io.WriteString(conn, c.answer)
				}
			}()
			publish(c.on)
			for range 4 {
				if name, _ := r.who(); name != "good" {
					t.Errorf("came to %s", name)
				}
			}
			publish(0)
			refused := 0
			for range 4 {
				if conn, answer, err := r.dial(host, "/"); err == nil {
					_ = conn.Close()
				} else if body, _ := io.ReadAll(answer.Body); strings.HasPrefix(string(body), c.refused) {
					refused++
				}
			}
			if refused != 2 {
				t.Errorf("a route that says nothing of retries refuses %d of 4 as %s", refused, c.refused)
			}
		})
	}
}

func TestPlainRequestsAreTriedAgainWithTheirContent(t *testing.T) {
	r := start(t)
	bad, asked := answering(t, 502)
	good := newPod(t, "good")
	publish := func(on model.RetryOn) {
		r.publish(with(with(service(bad, good), alsoPlain(time.Minute)), retrying(model.Retries{On: on, Statuses: []int{502}})))
	}
	ask := func(method, content string) (int, string) {
		t.Helper()
		_, from := r.raw(fmt.Sprintf("%s /x HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", method, host, len(content), content))
		status, body, err := answer(t, from)
		if err != nil {
			t.Error(err)
		}
		return status, body
	}
	publish(model.RetryNever)
	for range 4 {
		if status, body := ask("PUT", "some words"); status != 200 || !strings.HasSuffix(body, "some words") {
			t.Errorf("got %d %q", status, body)
		}
	}
	bads := 0
	for range 4 {
		if status, _ := ask("POST", "some words"); status == 502 {
			bads++
		}
	}
	if bads != 2 {
		t.Errorf("%d of 4 POSTs were not sent again, want 2: they may have had their effect", bads)
	}
	publish(model.RetryNonIdempotent)
	for range 4 {
		if status, body := ask("POST", "some words"); status != 200 || !strings.HasSuffix(body, "some words") {
			t.Errorf("got %d %q", status, body)
		}
	}
	bads = 0
	long := strings.Repeat("x", 100<<10)
	for range 4 {
		if status, _ := ask("POST", long); status == 502 {
			bads++
		}
	}
	if bads != 2 || asked.Load() == 0 {
		t.Errorf("%d of 4 long requests were not sent again, want 2: so much is not kept", bads)
	}
	r.quiet()
}

func TestAPlainRequestWhoseEndpointHangsUpMayGoToAnother(t *testing.T) {
	r := start(t)
	bad := newPod(t, "bad").serving(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	cfg := with(service(bad, newPod(t, "good")), alsoPlain(time.Minute))
	r.publish(with(cfg, retrying(model.Retries{On: model.RetryError})))
	for range 4 {
		if status, body := fetch(t, "http://"+r.http()+"/x", host); status != 200 || !strings.HasPrefix(body, "good") {
			t.Errorf("got %d %q", status, body)
		}
	}
	r.publish(cfg)
	bads := 0
	for range 4 {
		if status, _ := fetch(t, "http://"+r.http()+"/x", host); status == 502 {
			bads++
		}
	}
	if bads != 2 {
		t.Errorf("a route that says nothing of retries refuses %d of 4, want 2", bads)
	}
}

func TestARedirectAnswersWhateverComes(t *testing.T) {
	r := start(t)
	r.publish(with(service(), func(r *model.Route) {
		r.Redirect = &model.Redirect{Status: 307, Location: "https://new.example.com$request_uri"}
	}))
	for name, request := range map[string]string{
		"a socket":     knock,
		"a page":       "GET /room HTTP/1.1\r\nHost: chat.example.com\r\n\r\n",
		"an upload":    "POST /room HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 2\r\n\r\nhi",
		"kubectl exec": "POST /room HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: spdy/3.1\r\n\r\n",
	} {
		_, from := r.raw(request)
		got, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		_ = got.Body.Close()
		if got.StatusCode != 307 || got.Header.Get("Location") != "https://new.example.com/room" {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, from := r.raw(knock + knock) // and the connection goes on
	for range 2 {
		if status, body, _ := answer(t, from); status != 307 || !strings.HasPrefix(body, "Redirected") {
			t.Errorf("%d %s", status, body)
		}
	}
	r.quiet()
}

func TestTheLastOfManyEndpointsIsFound(t *testing.T) {
	r := start(t)
	cfg, nobody := service(newPod(t, "up")), refusing(t).Port()
	for i := range 100 {
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)}), nobody)
		cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, model.Endpoint{Address: address})
	}
	r.publish(with(cfg, retrying(model.Retries{Unlimited: true})))
	for range 5 {
		if name, _ := r.who(); name != "up" {
			t.Errorf("came to %s", name)
		}
	}
}
