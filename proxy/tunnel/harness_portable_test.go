//go:build !linux || portable

package tunnel_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
	"github.com/fairlead/fairlead/proxy/tunnel"
)

// In the portable engine all that waits are goroutines: with connections in memory they live in a
// bubble, whose time passes when all of them wait.

// timing is what a story knows of its time: the bubble knows all.
type timing struct{}

// inTime tells a story whose time is not real.
func inTime(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	inTimeOver(t, memory, spec, tell)
}

// inTimeOnBoth tells it over a bare connection and over TLS.
func inTimeOnBoth(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Run("bare", func(t *testing.T) { inTimeOver(t, memory, spec, tell) })
	t.Run("TLS", func(t *testing.T) { inTimeOver(t, secureMemory, spec, tell) })
}

// inTimeTLS tells it over TLS alone.
func inTimeTLS(t *testing.T, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	inTimeOver(t, secureMemory, spec, tell)
}

func inTimeOver(t *testing.T, n network, spec tunnel.Spec, tell func(s *story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, n, spec)
		s.patience = 1000 * time.Hour
		tell(s)
	})
}

// memory is a connection without a kernel. It knows no half-close and no reset.
func memory(t testing.TB) (far, near net.Conn) {
	far, near = net.Pipe()
	t.Cleanup(func() { hangUp(far); hangUp(near) })
	return far, near
}

// secureMemory is TLS over it.
func secureMemory(t testing.TB) (far, near net.Conn) {
	t.Helper()
	a, b := memory(t)
	c := tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	s := tls.Server(loop.NewConn(b, nil), &tls.Config{Certificates: []tls.Certificate{certificate()}, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	if err := errors.Join(s.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return c, s
}

func (s *story) now() time.Time { return time.Now() }

func (s *story) sleep(d time.Duration) { time.Sleep(d) }

// settle returns when nothing moves any more.
func (s *story) settle() { synctest.Wait() }

// awaited waits for something from a channel.
func awaited[T any](s *story, c <-chan T) (v T, ok bool) {
	select {
	case v = <-c:
		return v, true
	case <-time.After(s.patience):
		return v, false
	}
}

// alongside lets something happen beside the rest of the story; join waits for its end.
func (s *story) alongside(f func()) (join func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return func() { <-done }
}

// timeSince expects that this much time has passed, to the nanosecond.
func (s *story) timeSince(from time.Time, want time.Duration) {
	s.Helper()
	if got := time.Since(from); got != want {
		s.Errorf("after %s, want %s", got, want)
	}
}

// about reports whether a time that was measured is this long, to the nanosecond.
func (s *story) about(got, want time.Duration) bool { return got == want }
