//go:build linux

package load

import (
	"context"
	"time"
)

// Settings are what all modes have in common.
type Settings struct {
	Warmup time.Duration // runs and is not counted
	Window time.Duration // what is measured
	Settle time.Duration // idle: from the last handshake to the quiet window
	Quiet  time.Duration // idle: the window in which nothing happens
}

// Figures are what a mode measured: name, in the unit that the name ends with, to value.
type Figures map[string]float64

// window is a measured stretch of a run: begin is called when the warm-up is over and end when the
// window is. It returns the time of the window and what the proxy's processes ran in it.
type window struct {
	subject    Subject
	settings   Settings
	begin, end func()

	started      time.Time
	measuring    bool
	opened       time.Time
	cpu0         time.Duration
	elapsed, cpu time.Duration
	err          error
}

// step is to be called between the turns of a loop; false: the window is over.
func (w *window) step(now time.Time) bool {
	switch {
	case w.started.IsZero():
		w.started = now
	case !w.measuring && now.Sub(w.started) >= w.settings.Warmup:
		w.measuring = true
		w.cpu0, w.err = w.subject.CPU()
		w.opened = time.Now()
		w.begin()
	case w.measuring && now.Sub(w.opened) >= w.settings.Window:
		cpu, err := w.subject.CPU()
		if w.err == nil {
			w.err = err
		}
		w.elapsed, w.cpu = time.Since(w.opened), cpu-w.cpu0
		w.end()
		return false
	}
	return w.err == nil
}

// run runs the loop through the warm-up and the window. Between turns it calls each, if any.
func (w *window) run(ctx context.Context, l *Loop, each func(now time.Time)) error {
	err := l.Run(ctx, func() bool {
		now := time.Now()
		if each != nil {
			each(now)
		}
		return w.step(now)
	})
	if err == nil {
		err = w.err
	}
	return err
}

// perSecond is a count in the window as a rate.
func (w *window) perSecond(n int64) float64 { return float64(n) / w.elapsed.Seconds() }

// cpuPer is the proxy's CPU for one of n, in units.
func (w *window) cpuPer(n float64, unit time.Duration) float64 {
	if n == 0 {
		return 0
	}
	return float64(w.cpu) / float64(unit) / n
}

// usedCPU is the proxy's CPU in hundredths of a core.
func (w *window) usedCPU() float64 { return 100 * w.cpu.Seconds() / w.elapsed.Seconds() }
