package admit

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tg123/go-htpasswd"

	"github.com/fairlead/fairlead/proxy/model"
)

// slow is a password whose hash takes a while.
type slow struct{ hashed atomic.Int64 }

func (s *slow) MatchesPassword(password string) bool {
	time.Sleep(2 * time.Millisecond)
	s.hashed.Add(1)
	return password == "sesame"
}

func guardedBy(t *testing.T, s *slow) *basic {
	t.Helper()
	b, err := newBasic(&model.BasicAuth{})
	if err != nil {
		t.Fatal(err)
	}
	b.users, b.nobody = map[string]htpasswd.EncodedPasswd{"ann": s}, s
	return b
}

func TestPasswordsTriedOnOneRouteHoldUpNoOther(t *testing.T) {
	stormed, calm := new(slow), new(slow)
	attacked, quiet := guardedBy(t, stormed), guardedBy(t, calm)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { _, _ = attacked.knows(ctx, "ann", strings.Repeat("x", i)) })
	}
	for stormed.hashed.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	before := stormed.hashed.Load()
	if known, err := quiet.knows(ctx, "ann", "sesame"); !known || err != nil {
		t.Error("who knows the password is not let in")
	}
	if after := stormed.hashed.Load() - before; after > int64(4*cap(hashing)+4) {
		t.Errorf("%d passwords of the other route came first", after)
	}
	stop()
	all.Wait()
}

// A hash that takes minutes to compare would keep everybody else's passwords waiting.
func TestHashesThatTakeTooLongAreTold(t *testing.T) {
	for hash, good := range map[string]bool{
		"$2y$05$QXKdpu17WCnPhBDJ.p6cMO9lg4RGsLI8/ly9uhKevab.9e9snrUtK":   true,
		"$2y$14$QXKdpu17WCnPhBDJ.p6cMO9lg4RGsLI8/ly9uhKevab.9e9snrUtK":   true,
		"$2y$15$QXKdpu17WCnPhBDJ.p6cMO9lg4RGsLI8/ly9uhKevab.9e9snrUtK":   false,
		"$2y$31$QXKdpu17WCnPhBDJ.p6cMO9lg4RGsLI8/ly9uhKevab.9e9snrUtK":   false,
		"$5$saltsalt$0000000000000000000000000000000000000000000":        true,
		"$5$rounds=1000000$saltsalt$00000000000000000000000000000000000": true,
		"$5$rounds=1000001$saltsalt$00000000000000000000000000000000000": false,
		"$6$rounds=999999999$saltsalt$000000000000000000000000000000000": false,
		"$6$rounds=99999999999999999999$saltsalt$0000000000000000000000": false,
	} {
		_, err := newBasic(&model.BasicAuth{Users: "ann:" + hash})
		if good != (err == nil) || err != nil && !strings.Contains(err.Error(), "too long") {
			t.Errorf("%s: %v", hash, err)
		}
	}
}

// The crypt kinds take time in proportion to the password: one of 60 KiB takes seconds.
func TestLongPasswordsAreNotHashed(t *testing.T) {
	s := new(slow)
	b := guardedBy(t, s)
	if known, err := b.knows(t.Context(), "ann", strings.Repeat("x", maxPassword+1)); known || err != nil || s.hashed.Load() != 0 {
		t.Error("it was hashed")
	}
	if _, err := b.knows(t.Context(), "ann", strings.Repeat("x", maxPassword)); err != nil || s.hashed.Load() != 1 {
		t.Error("a shorter one was not")
	}
}

func TestPasswordsDoNotWaitForEver(t *testing.T) {
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: model.HTTP, Access: model.Access{Basic: &model.BasicAuth{Users: sesame}}})
	s.Request.SetBasicAuth("sha", "sesame")
	b := s.Policy.basic
	b.patience = time.Millisecond
	for range cap(b.turns) {
		b.turns <- struct{}{}
	}
	if refusal := Admit(s); refusal == nil || refusal.Status != 503 || refusal.Reason != model.TooManyRequests || refusal.Header["Retry-After"] == "" {
		t.Errorf("got %v", refusal)
	}
	b.patience = time.Hour
	ctx, leave := context.WithCancel(t.Context())
	leave()
	s.Request = s.Request.WithContext(ctx)
	if refusal := Admit(s); refusal == nil || refusal.Reason != model.ClientGone {
		t.Errorf("got %v", refusal)
	}
	for range cap(b.turns) {
		<-b.turns
	}
	s.Request = s.Request.WithContext(t.Context())
	if refusal := Admit(s); refusal != nil {
		t.Errorf("got %v", refusal)
	}
}
