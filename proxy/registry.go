package proxy

import (
	"iter"
	"sync"
	"sync/atomic"
)

// registry lists the sessions whose tunnel stands. Sessions are linked into it, so that it costs
// two pointers each; shards keep openings and ends from waiting for each other.
type registry struct {
	shards [32]shard
	count  atomic.Int64
}

type shard struct {
	mu    sync.Mutex
	first *session
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
	g.count.Add(1)
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
	g.count.Add(-1)
}

func (g *registry) len() int { return int(g.count.Load()) }

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
