//go:build linux && !portable

package loop

import "time"

// clock is the time of a loop, counted from its start. It is read once per round: in a round of
// events a microsecond or two pass.
type clock struct {
	epoch time.Time
	read  time.Duration
}

func (c *clock) start() { c.epoch = time.Now() }

func (c *clock) now() time.Duration { return c.read }

func (c *clock) precise() time.Duration { return time.Since(c.epoch) }

func (c *clock) update() { c.read = c.precise() }
