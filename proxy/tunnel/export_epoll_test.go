//go:build linux && !portable

package tunnel

import "time"

// Due returns how soon something comes due if no byte moves, and whether anything does.
func (t *Tunnel) Due() (in time.Duration, found bool) {
	t.settled(func() {
		if at, next := t.next(); next.what != nothing {
			in, found = at-t.now(), true
		}
	})
	return in, found
}

// Forward moves the tunnel's time on.
func (t *Tunnel) Forward(by time.Duration) {
	t.settled(func() {
		t.start -= by
		t.advance()
	})
}

// settled calls f on the tunnel's loop and waits for it.
func (t *Tunnel) settled(f func()) {
	done := make(chan struct{})
	t.do(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		f()
		close(done)
	})
	<-done
}
