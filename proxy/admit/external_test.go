package admit

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// service answers questions without a network.
type service struct {
	mu     sync.Mutex
	asked  []*http.Request
	answer func(q *http.Request) (*http.Response, error)
}

func (s *service) RoundTrip(q *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, q)
	s.mu.Unlock()
	return s.answer(q)
}

func (s *service) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// says is an answer with a status and header lines.
func says(status int, lines ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("text"))}
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Add(name, value)
		}
		return r, nil
	}
}

// asking is a request whose route asks a service.
func asking(t *testing.T, s *service, auth model.ExternalAuth, lines ...string) *Subject {
	t.Helper()
	if auth.URL == "" {
		auth.URL = "http://auth.example/verify"
	}
	p := policy(t, model.Route{
		Protocols: model.HTTP | model.WebSocket, Access: model.Access{External: &auth},
		Matches: []model.Match{{Host: "chat.example.com"}},
	})
	return visit(t, s, p, lines...)
}

// visit is a request on a route that asks a service.
func visit(t *testing.T, s *service, p *Policy, lines ...string) *Subject {
	t.Helper()
	r := request(t, "GET /room?a=b HTTP/1.1", "chat.example.com")
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return &Subject{
		Request: r, Policy: p, Services: s, Forwarded: r.Header.Clone,
		Client: netip.MustParseAddr("192.0.2.1"),
	}
}

func TestTheAnswerDecides(t *testing.T) {
	for status, want := range map[int]int{
		200: 0, 202: 0, 204: 0, 401: 401, 403: 403,
		100: 500, 301: 500, 302: 500, 304: 500, 400: 500, 404: 500, 429: 500, 500: 500, 503: 500,
	} {
		s := &service{answer: says(status, "Location: http://elsewhere/")}
		refusal := Admit(asking(t, s, model.ExternalAuth{}))
		got := 0
		if refusal != nil {
			got = refusal.Status
			if reason := map[int]model.Reason{401: model.AuthRefused, 403: model.AuthRefused, 500: model.AuthFailed}[want]; refusal.Reason != reason {
				t.Errorf("%d: %v", status, refusal)
			}
		}
		if got != want || s.times() != 1 {
			t.Errorf("%d: %d after %d questions", status, got, s.times())
		}
	}
	s := &service{answer: func(*http.Request) (*http.Response, error) { return nil, errors.New("dial: refused") }}
	if refusal := Admit(asking(t, s, model.ExternalAuth{URL: "http://auth.example/?secret=1"})); refusal == nil ||
		refusal.Reason != model.AuthFailed || strings.Contains(refusal.Error(), "secret") || strings.Contains(refusal.Detail, "auth.example") {
		t.Errorf("got %v", refusal)
	}
}

func TestTheQuestionIsNeitherAnUpgradeNorForged(t *testing.T) {
	s := &service{answer: says(200)}
	subject := asking(t, s, model.ExternalAuth{
		URL: "http://auth.example/verify?u=$arg_a", Method: "POST",
		SetHeaders: []model.Field{{Name: "X-Tenant", Value: "$http_x_who"}, {Name: "Connection", Value: "upgrade"}},
	}, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Protocol: chat", "Content-Length: 5", "Cookie: a=b",
		"X-Who: ann", "X-Original-URL: http://forged/", "X_Original_URL: http://forged/", "X_tenant: forged", "X-Sent-From: forged", "X-Auth-Request-Redirect: http://forged/")
	if refusal := Admit(subject); refusal != nil {
		t.Fatal(refusal)
	}
	q := s.asked[0]
	if q.Method != "POST" || q.URL.String() != "http://auth.example/verify?u=b" || q.Host != "auth.example" || q.Body != http.NoBody {
		t.Errorf("asked %s %s at %s", q.Method, q.URL, q.Host)
	}
	want := http.Header{
		"Cookie": {"a=b"}, "X-Who": {"ann"}, "Sec-Websocket-Protocol": {"chat"}, "X-Tenant": {"ann"}, "X-Original-Url": {"http://chat.example.com/room?a=b"},
		"X-Original-Method": {"GET"}, "X-Sent-From": {"fairlead"}, "X-Auth-Request-Redirect": {"/room?a=b"},
	}
	for name := range q.Header {
		if len(q.Header[name]) != 1 || want.Get(name) != q.Header.Get(name) {
			t.Errorf("asked with %s: %v", name, q.Header[name])
		}
	}
	if len(q.Header) != len(want) {
		t.Errorf("asked with %v", q.Header)
	}
}

func TestWhatARequestSaysBreaksNoLine(t *testing.T) {
	s := &service{answer: says(401)}
	subject := asking(t, s, model.ExternalAuth{
		SetHeaders: []model.Field{{Name: "X-A", Value: "$arg_a"}}, RequestRedirect: "$arg_a", SignIn: "https://login.example/$arg_a#top",
	})
	subject.Request.URL.RawQuery = "a=x%0d%0aSet-Cookie:%20evil"
	refusal := Admit(subject)
	if refusal == nil || refusal.Status != http.StatusFound {
		t.Fatalf("got %v", refusal)
	}
	for _, text := range []string{refusal.Header["Location"], s.asked[0].Header.Get("X-A"), s.asked[0].Header.Get("X-Auth-Request-Redirect")} {
		if strings.ContainsAny(text, "\r\n") || text == "" {
			t.Errorf("%q", text)
		}
	}
	if at := refusal.Header["Location"]; !strings.HasSuffix(at, "#top") {
		t.Errorf("Location: %s", at)
	}
}

func TestWhereToSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		auth    model.ExternalAuth
		upgrade string
		status  int
		want    string
	}{
		"a page":                          {model.ExternalAuth{SignIn: "https://login/"}, "", 302, "https://login/?rd=http%3A%2F%2Fchat.example.com%2Froom%3Fa%3Db"},
		"another parameter":               {model.ExternalAuth{SignIn: "https://login/?x", SignInParam: "back"}, "", 302, "https://login/?x&back=http%3A%2F%2Fchat.example.com%2Froom%3Fa%3Db"},
		"the page to come back to in it":  {model.ExternalAuth{SignIn: "https://login/?rd=$escaped_request_uri"}, "", 302, "https://login/?rd=%2Froom%3Fa%3Db"},
		"at the host of the request":      {model.ExternalAuth{SignIn: "https://$host/oauth2/start?rd=x"}, "", 302, "https://chat.example.com/oauth2/start?rd=x"},
		"a socket, which does not follow": {model.ExternalAuth{SignIn: "https://login/"}, websocket, 401, ""},
		"nowhere":                         {model.ExternalAuth{}, "", 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := asking(t, &service{answer: says(401, "WWW-Authenticate: Bearer", "WWW-Authenticate: Basic")}, c.auth)
			s.Upgrade = c.upgrade
			refusal := Admit(s)
			if refusal == nil || refusal.Status != c.status || refusal.Header["Location"] != c.want {
				t.Fatalf("got %v %v", refusal, refusal.Header)
			}
			if c.status == 401 && refusal.Header["WWW-Authenticate"] != "Bearer, Basic" {
				t.Errorf("got %v", refusal.Header)
			}
		})
	}
}

func TestClientsChooseNobodyWhoIsAskedAboutThem(t *testing.T) {
	one, all := []model.Match{{Host: "chat.example.com"}}, []model.Match{{Host: "chat.example.com"}, {}}
	for _, c := range []struct {
		url     string
		matches []model.Match
		good    bool
	}{
		{"http://auth/verify", all, true},
		{"https://$host/oauth2/auth", one, true},
		{"$scheme://$http_host/oauth2/auth?x=$request_uri", one, true},
		{"https://$host/oauth2/auth", all, false},
		{"https://$host/oauth2/auth", []model.Match{{Host: "*.example.com"}}, true},
		{"https://$arg_to/oauth2/auth", one, false},
		{"https://auth.$http_x_tenant/verify", one, false},
		{"https://auth$request_uri", one, false},
		{"https://auth?$request_uri", one, true},
		{"$arg_x", one, false},
		{"ftp://auth/", one, false},
		{"/verify", one, false},
		{"", one, false},
		{"http://auth/$nothing", one, false},
	} {
		r := model.Route{Protocols: model.HTTP, Matches: c.matches, Access: model.Access{External: &model.ExternalAuth{URL: c.url}}}
		p := NewPolicy(&r, nil)
		err := p.Err()
		if c.good != (err == nil) {
			t.Errorf("%q: %v", c.url, err)
		}
		if err == nil {
			continue
		}
		s := &service{answer: says(200)}
		if refusal := Admit(visit(t, s, p)); refusal == nil || refusal.Reason != model.Sealed || s.times() > 0 {
			t.Errorf("%q: %v", c.url, refusal)
		}
	}
}

func TestAnswersAreRememberedByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: says(200, "X-User: ann")}
		first := asking(t, s, model.ExternalAuth{
			CacheKey: "$http_authorization", ResponseHeaders: []string{"X-User"},
			CacheFor: map[int]time.Duration{200: time.Minute, 401: time.Second},
		}, "Authorization: ann")
		ask := func(times int, lines ...string) *Subject {
			t.Helper()
			v := visit(t, s, first.Policy, lines...)
			if refusal := Admit(v); refusal != nil {
				t.Fatal(refusal)
			}
			if s.times() != times {
				t.Errorf("asked %d times, want %d", s.times(), times)
			}
			return v
		}
		ask(1, "Authorization: ann")
		if v := ask(1, "Authorization: ann"); v.Told.Get("X-User") != "ann" {
			t.Errorf("told %v", v.Told)
		}
		ask(2, "Authorization: bob")
		ask(3) // who has no key has nothing in common with anybody
		ask(4)
		time.Sleep(61 * time.Second)
		ask(5, "Authorization: ann")

		other := visit(t, s, first.Policy, "Authorization: ann")
		other.Request.Host = "other.example.com"
		if refusal := Admit(other); refusal != nil || s.times() != 6 {
			t.Error("one host is let in where another is")
		}
	})
}

func TestWhatIsForOneClientIsNotRemembered(t *testing.T) {
	for name, line := range map[string]string{
		"a cookie": "Set-Cookie: id=1", "not to be stored": "Cache-Control: no-store", "private": "Cache-Control: max-age=60, Private",
		"of no age": "Cache-Control: max-age=0", "very long": "X-User: " + strings.Repeat("x", maxTold+1),
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{answer: says(200, line)}
			first := asking(t, s, model.ExternalAuth{
				CacheKey: "$http_authorization", ResponseHeaders: []string{"X-User"}, CacheFor: map[int]time.Duration{0: time.Minute},
			})
			for range 2 {
				if refusal := Admit(visit(t, s, first.Policy, "Authorization: ann")); refusal != nil {
					t.Fatal(refusal)
				}
			}
			if s.times() != 2 {
				t.Errorf("asked %d times", s.times())
			}
		})
	}
}

func TestEqualKeysAskOnce(t *testing.T) {
	for _, c := range []struct {
		name, line string
		times      int
	}{{"for all", "X-User: ann", 1}, {"for each", "Set-Cookie: id=1", 20}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: func(q *http.Request) (*http.Response, error) {
					time.Sleep(time.Second)
					return says(200, c.line)(q)
				}}
				first := asking(t, s, model.ExternalAuth{CacheKey: "$http_authorization", CacheFor: map[int]time.Duration{200: time.Minute}})
				// The first one leaves; those who came behind it must not be the worse for it.
				ctx, leave := context.WithCancel(t.Context())
				left := visit(t, s, first.Policy, "Authorization: ann")
				left.Request = left.Request.WithContext(ctx)
				var all sync.WaitGroup
				all.Go(func() {
					if refusal := Admit(left); refusal == nil || refusal.Reason != model.ClientGone {
						t.Errorf("got %v", refusal)
					}
				})
				synctest.Wait()
				for range 19 {
					all.Go(func() {
						if refusal := Admit(visit(t, s, first.Policy, "Authorization: ann")); refusal != nil {
							t.Error(refusal)
						}
					})
				}
				synctest.Wait()
				leave()
				all.Wait()
				if s.times() != c.times {
					t.Errorf("asked %d times, want %d", s.times(), c.times)
				}
			})
		})
	}
}

func TestASlowServiceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(q *http.Request) (*http.Response, error) {
			<-q.Context().Done()
			return nil, q.Context().Err()
		}}
		began := time.Now()
		refusal := Admit(asking(t, s, model.ExternalAuth{}))
		if took := time.Since(began); took != model.DefaultExternalAuth || refusal == nil || refusal.Reason != model.AuthFailed {
			t.Errorf("%v after %v", refusal, took)
		}
	})
}

func TestAnswersAreForgottenBeforeTheyAreTooMany(t *testing.T) {
	a := newAnswers()
	now := time.Now()
	for i := range 3 * maxAnswers {
		a.put(key{byte(i), byte(i >> 8)}, &verdict{}, now, time.Minute)
	}
	if len(a.byKey) > maxAnswers {
		t.Errorf("%d are remembered", len(a.byKey))
	}
}

func TestCookiesOfTheServiceReachTheClient(t *testing.T) {
	for always, want := range map[bool][]int{false: {101, 200, 204, 302}, true: {101, 200, 204, 302, 404, 502}} {
		s := asking(t, &service{answer: says(200, "Set-Cookie: a=1", "Set-Cookie: b=2")}, model.ExternalAuth{AlwaysSetCookie: always})
		if refusal := Admit(s); refusal != nil {
			t.Fatal(refusal)
		}
		var got []int
		for _, status := range []int{101, 200, 204, 302, 404, 502} {
			if len(s.CookiesFor(status)) == 2 {
				got = append(got, status)
			}
		}
		if len(got) != len(want) {
			t.Errorf("always %v: with %v", always, got)
		}
	}
}
