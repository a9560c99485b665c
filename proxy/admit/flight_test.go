package admit

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// Who opens handshakes with a key each and leaves must not keep the service busy.
func TestAQuestionThatNobodyWaitsForIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, given := time.Now(), make(chan time.Duration, 2)
		s := &service{answer: func(q *http.Request) (*http.Response, error) {
			<-q.Context().Done()
			given <- time.Since(began)
			return nil, q.Context().Err()
		}}
		first := asking(t, s, model.ExternalAuth{CacheKey: "$http_authorization", CacheFor: map[int]time.Duration{200: time.Minute}})
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				v := visit(t, s, first.Policy, "Authorization: ann")
				v.Request = v.Request.WithContext(ctx)
				if refusal := Admit(v); refusal == nil || refusal.Reason != model.ClientGone {
					t.Errorf("got %v", refusal)
				}
			})
		}
		synctest.Wait()
		time.Sleep(time.Second)
		leave()
		all.Wait()
		if after := <-given; after != time.Second || s.times() != 1 {
			t.Errorf("%d questions, given up after %v", s.times(), after)
		}
		// The next one asks anew.
		if refusal := Admit(visit(t, s, first.Policy, "Authorization: ann")); refusal == nil || refusal.Reason != model.AuthFailed || s.times() != 2 {
			t.Errorf("%d questions: %v", s.times(), refusal)
		}
	})
}

// What the service does not see must not say whose answer is remembered.
func TestAnswersAreRememberedByWhatTheServiceSees(t *testing.T) {
	s := &service{answer: func(q *http.Request) (*http.Response, error) {
		if q.Header.Get("Authorization") == "" {
			return says(401)(q)
		}
		return says(200)(q)
	}}
	first := asking(t, s, model.ExternalAuth{CacheKey: "$http_authorization", CacheFor: map[int]time.Duration{0: time.Minute}})
	ask := func(want int, forwarded http.Header) {
		t.Helper()
		v := visit(t, s, first.Policy, "Authorization: ann")
		if forwarded != nil {
			v.Forwarded = forwarded.Clone
		}
		got := 200
		if refusal := Admit(v); refusal != nil {
			got = refusal.Status
		}
		if got != want {
			t.Errorf("answered %d, want %d", got, want)
		}
	}
	ask(401, http.Header{}) // "Connection: Authorization" took it away
	ask(200, nil)
	ask(401, http.Header{})
}

// A flood of long keys takes no more room than one of short ones.
func TestLongKeysTakeNoRoom(t *testing.T) {
	s := &service{answer: says(200)}
	first := asking(t, s, model.ExternalAuth{CacheKey: "$http_authorization", CacheFor: map[int]time.Duration{200: time.Minute}})
	long := make([]byte, 60<<10)
	for i := range long {
		long[i] = 'a' + byte(i%26)
	}
	for range 2 {
		if refusal := Admit(visit(t, s, first.Policy, "Authorization: "+string(long))); refusal != nil {
			t.Fatal(refusal)
		}
	}
	if s.times() != 1 {
		t.Errorf("asked %d times", s.times())
	}
}
