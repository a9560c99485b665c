package live

import (
	"sync/atomic"
	"time"
)

// muteTime is how long an endpoint that takes no connections is left alone before somebody tries it again. The endpoint of a pod whose
// node lost its power stays in EndpointSlices for most of a minute.
const muteTime = 10 * time.Second

// mute says whether something takes no connections: not even a refusal comes back. Whoever tries it waits for as long as a
// connection may take, so that all others had better go elsewhere. It is kept as nanoseconds since epoch, 0 for not mute.
type mute struct{ until atomic.Int64 }

// Mute reports whether sessions had better go to other endpoints, if there are any.
func (e *Endpoint) Mute() bool { return e.mute.ever() && e.mute.at(sinceEpoch()) }

// Try is called by whoever goes to the endpoint. If it was mute for long enough, all others wait for what becomes of that.
func (e *Endpoint) Try() {
	if e.mute.ever() {
		e.mute.try(sinceEpoch())
	}
}

// SetMute notes that nothing came back from the endpoint, and returns whether that is news.
func (e *Endpoint) SetMute() (news bool) { return e.mute.set(sinceEpoch()) }

// SetHeard notes that the endpoint took a connection, and returns whether that is news.
func (e *Endpoint) SetHeard() (news bool) {
	return e.mute.ever() && e.mute.until.Swap(0) != 0
}

func sinceEpoch() int64 { return max(int64(time.Since(epoch)), 1) }

// ever spares those who go to endpoints that were always heard a look at the clock.
func (m *mute) ever() bool { return m.until.Load() != 0 }

func (m *mute) at(now int64) bool {
	return now < m.until.Load()
}

func (m *mute) try(now int64) {
	if until := m.until.Load(); until != 0 && now >= until {
		m.until.CompareAndSwap(until, now+int64(muteTime))
	}
}

func (m *mute) set(now int64) (news bool) { return m.until.Swap(now+int64(muteTime)) == 0 }
