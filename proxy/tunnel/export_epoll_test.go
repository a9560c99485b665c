//go:build linux && !portable

package tunnel

import (
	"reflect"
	"time"

	"github.com/fairlead/fairlead/proxy/loop"
)

// Due returns how soon the tunnel's timer fires, and whether it is set.
func (t *Tunnel) Due() (in time.Duration, found bool) {
	t.onLoop(func() { in, found = t.fires()-t.loop.Now(), t.timer.Set() })
	return in, found
}

// Forward moves the tunnel's time on, up to its timer at most.
func (t *Tunnel) Forward(by time.Duration) {
	t.onLoop(func() {
		t.start -= by
		if t.timer.Set() {
			t.loop.At(&t.timer, t.fires()-by, t)
		}
	})
}

// fires returns the time of the loop's clock at which the timer fires.
func (t *Tunnel) fires() time.Duration {
	return time.Duration(reflect.ValueOf(&t.timer).Elem().FieldByName("tick").Int()) * loop.Tick
}

// onLoop calls f on the tunnel's loop and waits for it.
func (t *Tunnel) onLoop(f func()) {
	done := make(chan struct{})
	t.do(func() { f(); close(done) })
	<-done
}
