package names

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/controllers/snapshot"
)

const (
	// again is how old an answer may become. Go's resolver doesn't tell how long it is good for.
	again = 30 * time.Second
	// firstRetry is how soon a name without an answer is asked for again; the pause doubles up to again.
	firstRetry = 2 * time.Second
	timeout    = 5 * time.Second // of one question
	atOnce     = 16              // questions
)

// Lookup returns the addresses of a DNS name. The name is absolute: it ends in a dot.
type Lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// Store holds the answers for the names that are wanted.
type Store struct {
	lookup  Lookup
	changed func()
	asked   chan struct{} // something new is wanted
	tokens  chan struct{} // as many as there may be questions at once

	mu    sync.Mutex
	names map[string]*name
	moved chan struct{} // closed when a name is answered
}

// name is what is known of one.
type name struct {
	snapshot.Name
	answered bool // or refused
	asking   bool
	retry    time.Duration
	due      time.Time
}

// New returns a Store that wants nothing. lookup nil: the machine's resolver. changed is called after
// every answer that differs from the one before, and must not block. Start lets it work.
func New(lookup Lookup, changed func()) *Store {
	if lookup == nil {
		lookup = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	return &Store{lookup: lookup, changed: changed, asked: make(chan struct{}, 1), tokens: make(chan struct{}, atOnce),
		names: map[string]*name{}, moved: make(chan struct{})}
}

// Start asks for what is wanted until ctx is done.
func (s *Store) Start(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.asked:
		case <-timer.C:
		}
		due, next := s.due(time.Now())
		for _, n := range due {
			select {
			case <-ctx.Done():
				return nil
			case s.tokens <- struct{}{}:
			}
			wg.Go(func() {
				s.ask(ctx, n)
				<-s.tokens
			})
		}
		timer.Reset(next)
	}
}

// NeedLeaderElection says that every replica needs the answers.
func (s *Store) NeedLeaderElection() bool { return false }

// Want says which names are wanted from now on, and returns whether any of them was not before.
func (s *Store) Want(wanted []string) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.names, func(n string, _ *name) bool { return !slices.Contains(wanted, n) })
	for _, n := range wanted {
		if s.names[n] == nil {
			s.names[n], more = &name{}, true
		}
	}
	if more {
		s.wake()
	}
	return more
}

func (s *Store) wake() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// Await returns when every name that is wanted is answered or refused, and at the latest when ctx is done.
func (s *Store) Await(ctx context.Context) {
	for {
		s.mu.Lock()
		moved, open := s.moved, false
		for _, n := range s.names {
			open = open || !n.answered
		}
		s.mu.Unlock()
		if !open {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		}
	}
}

// Read returns what is known of the names that are wanted. Nobody may change the addresses.
func (s *Store) Read() map[string]snapshot.Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make(map[string]snapshot.Name, len(s.names))
	for text, n := range s.names {
		if n.answered {
			known[text] = n.Name
		}
	}
	return known
}

// due returns the names to ask for now, and how long it is until the next.
func (s *Store) due(now time.Time) (due []string, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = again
	for text, n := range s.names {
		switch {
		case n.asking: // its end wakes the loop
		case n.due.After(now):
			next = min(next, n.due.Sub(now))
		default:
			n.asking = true
			due = append(due, text)
		}
	}
	return due, next
}

// ask asks for one name.
func (s *Store) ask(ctx context.Context, text string) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	addresses, err := s.lookup(limited, strings.TrimSuffix(text, ".")+".")
	if ctx.Err() != nil {
		return
	}
	if err == nil && len(addresses) == 0 {
		err = errors.New("the name has no address")
	}
	if s.answer(text, normal(addresses), err) {
		s.changed()
	}
	s.wake()
}

// answer notes an answer and returns whether it is news.
func (s *Store) answer(text string, addresses []netip.Addr, err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.names[text]
	if n == nil {
		return false // nobody wants it any more
	}
	before := n.Name
	n.Err, n.asking = "", false
	if err != nil {
		n.Err = plain(err)
		n.retry = min(max(2*n.retry, firstRetry), again)
		n.due = time.Now().Add(n.retry + rand.N(n.retry/4))
	} else {
		n.Addresses, n.retry = addresses, 0
		n.due = time.Now().Add(again - rand.N(again/5))
	}
	news = !n.answered || n.Err != before.Err || !slices.Equal(n.Addresses, before.Addresses)
	if !n.answered {
		n.answered = true
		close(s.moved)
		s.moved = make(chan struct{})
	}
	return news
}

// normal sorts addresses and leaves out what is there twice, as the same in another form can be.
func normal(addresses []netip.Addr) []netip.Addr {
	list := make([]netip.Addr, len(addresses))
	for i, a := range addresses {
		list[i] = a.Unmap()
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list)
}

// plain returns the part of an error that is the same each time: that of a resolver names the port from
// which it asked.
func plain(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		switch {
		case dns.IsNotFound:
			return "no such name"
		case dns.IsTimeout:
			return "the DNS server does not answer in time"
		}
		return cmp.Or(dns.Err, "the DNS server can't answer")
	}
	return err.Error()
}
