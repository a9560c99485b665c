package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// zone is a DNS server that can be out of order.
type zone struct {
	mu      sync.Mutex
	records map[string][]netip.Addr
	down    bool
	asked   []string
	most, n int // questions at once
}

func (z *zone) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	z.mu.Lock()
	z.asked = append(z.asked, name)
	z.n++
	z.most = max(z.most, z.n)
	z.mu.Unlock()
	defer func() {
		z.mu.Lock()
		z.n--
		z.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * time.Millisecond):
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.down {
		return nil, &net.DNSError{Err: "read udp 192.0.2.1:33333: i/o timeout", IsTimeout: true}
	}
	if records, ok := z.records[name]; ok {
		return slices.Clone(records), nil
	}
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (z *zone) set(name string, addresses ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records[name] = nil
	for _, a := range addresses {
		z.records[name] = append(z.records[name], netip.MustParseAddr(a))
	}
}

func (z *zone) breaks(down bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.down = down
}

// story runs a store over a zone in a bubble of time.
func story(t *testing.T, tell func(t *testing.T, z *zone, s *Store, changes func() int)) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{records: map[string][]netip.Addr{}}
		var mu sync.Mutex
		count := 0
		s := New(z.lookup, func() {
			mu.Lock()
			count++
			mu.Unlock()
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Start(ctx) }()
		tell(t, z, s, func() int {
			mu.Lock()
			defer mu.Unlock()
			return count
		})
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAnAnswerIsKeptWhileTheServerIsAway(t *testing.T) {
	story(t, func(t *testing.T, z *zone, s *Store, changes func() int) {
		z.set("db.example.com.", "192.0.2.2", "::ffff:192.0.2.1", "192.0.2.1")
		if !s.Want([]string{"db.example.com"}) || s.Want([]string{"db.example.com"}) {
			t.Error("a name is new once")
		}
		s.Await(t.Context())
		want := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
		if got := s.Read()["db.example.com"]; !slices.Equal(got.Addresses, want) || got.Err != "" {
			t.Errorf("known: %+v", got)
		}
		told := changes()
		time.Sleep(5 * time.Minute)
		if changes() != told {
			t.Error("the same answer is told again")
		}

		z.breaks(true)
		time.Sleep(2 * time.Minute)
		got := s.Read()["db.example.com"]
		if !slices.Equal(got.Addresses, want) || got.Err != "the DNS server does not answer in time" {
			t.Errorf("known while the server is away: %+v", got)
		}
		if changes() != told+1 {
			t.Errorf("told %d times that the server is away", changes()-told)
		}

		z.set("db.example.com.", "192.0.2.9")
		z.breaks(false)
		time.Sleep(again + again/4)
		if got := s.Read()["db.example.com"]; got.Err != "" || got.Addresses[0] != netip.MustParseAddr("192.0.2.9") {
			t.Errorf("known when the server is back: %+v", got)
		}
	})
}

func TestANameThatIsNotThereIsNoticedSoonWhenItIs(t *testing.T) {
	story(t, func(t *testing.T, z *zone, s *Store, _ func() int) {
		s.Want([]string{"late.example.com"})
		s.Await(t.Context())
		if got := s.Read()["late.example.com"]; got.Err != "no such name" || got.Addresses != nil {
			t.Errorf("known: %+v", got)
		}
		z.set("late.example.com.", "2001:db8::1")
		time.Sleep(2 * firstRetry)
		if got := s.Read()["late.example.com"]; got.Err != "" || len(got.Addresses) != 1 {
			t.Errorf("known: %+v", got)
		}
	})
}

// Many names are asked for a few at a time, and nobody asks for what is not wanted any more.
func TestQuestionsAreBounded(t *testing.T) {
	story(t, func(t *testing.T, z *zone, s *Store, _ func() int) {
		var many []string
		for i := range 500 {
			many = append(many, string(rune('a'+i%26))+"."+time.Duration(i).String()+".example.com")
		}
		s.Want(many)
		s.Await(t.Context())
		if len(s.Read()) != 500 || z.most > atOnce {
			t.Errorf("%d answers, %d questions at once", len(s.Read()), z.most)
		}
		s.Want(nil)
		time.Sleep(time.Minute)
		z.mu.Lock()
		before := len(z.asked)
		z.mu.Unlock()
		time.Sleep(time.Minute)
		z.mu.Lock()
		defer z.mu.Unlock()
		if len(z.asked) != before || len(s.Read()) != 0 {
			t.Error("somebody still asks")
		}
	})
}

// A resolver that never answers holds nobody up for longer than the one who asks has patience.
func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, errors.New("gave up")
		}, func() {})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Start(ctx) }()
		s.Want([]string{"slow.example.com"})
		patience, impatient := context.WithTimeout(ctx, time.Second)
		began := time.Now()
		s.Await(patience)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited %s", waited)
		}
		impatient()
		s.Await(ctx) // the question itself ends too
		if got := s.Read()["slow.example.com"]; got.Err != "gave up" {
			t.Errorf("known: %+v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The search path of a pod's resolv.conf must not decide where an absolute name leads.
func TestNamesAreAbsolute(t *testing.T) {
	story(t, func(t *testing.T, z *zone, s *Store, _ func() int) {
		s.Want([]string{"a.example.com", "b.example.com."})
		s.Await(t.Context())
		z.mu.Lock()
		defer z.mu.Unlock()
		slices.Sort(z.asked)
		if !slices.Equal(z.asked, []string{"a.example.com.", "b.example.com."}) {
			t.Errorf("asked for %q", z.asked)
		}
	})
}
