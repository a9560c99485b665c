package proxy

import (
	"iter"
	"sync"
)

// registry lists the sessions whose tunnel stands. Sessions are linked into it, so that it costs
// two pointers each; shards keep openings and ends from waiting for each other.
type registry struct {
	shards [32]shard
}

type shard struct {
	mu    sync.Mutex
	count int
	first *session
	_     [40]byte // to the end of a cache line: neighbours must not slow each other down
}

func (g *registry) shard(s *session) *shard { return &g.shards[s.id%uint64(len(g.shards))] }

func (g *registry) add(s *session) {
	h := g.shard(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	s.next = h.first
	if s.next != nil {
		s.next.prev = s
	}
	h.first = s
	h.count++
}

func (g *registry) remove(s *session) {
	h := g.shard(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		h.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.next, s.prev = nil, nil // whoever still holds it holds it alone
	h.count--
}

// len counts the sessions, each shard at its own moment.
func (g *registry) len() int {
	n := 0
	for i := range g.shards {
		n += g.shards[i].len()
	}
	return n
}

func (h *shard) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// all yields the sessions, each shard as it was at one moment. The caller may end sessions and may
// take its time: no lock is held while it looks.
func (g *registry) all() iter.Seq[*session] {
	return func(yield func(*session) bool) {
		var found []*session
		for i := range g.shards {
			found = g.shards[i].list(found[:0])
			for _, s := range found {
				if !yield(s) {
					return
				}
			}
		}
	}
}

func (h *shard) list(to []*session) []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := h.first; s != nil; s = s.next {
		to = append(to, s)
	}
	return to
}
