//go:build linux

package load

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Settings are what all modes have in common.
type Settings struct {
	Warmup time.Duration // runs and is not counted
	Window time.Duration // what is measured
	Settle time.Duration // idle: from the last handshake to the quiet window
	Quiet  time.Duration // idle: the window in which nothing happens
}

// Rig is what every mode is given: both ends, the proxy between them, and how long to measure.
type Rig struct {
	*Loop
	Subject
	Settings
	Backend *Backend
}

// Figures are what a mode measured: name, in the unit that the name ends with, to value.
type Figures map[string]float64

// window is a measured stretch of a run: begin is called when the warm-up is over and end when the
// window is. It returns the time of the window and what the proxy's processes ran in it.
type window struct {
	rig        Rig
	begin, end func()

	started      time.Time
	measuring    bool
	opened       time.Time
	cpu0         time.Duration
	busy0        time.Duration
	elapsed, cpu time.Duration
	others       time.Duration // what everything else ran on the cores of the proxy and the load
	err          error
}

// step is to be called between the turns of a loop; false: the window is over.
func (w *window) step(now time.Time) bool {
	switch {
	case w.started.IsZero():
		w.started = now
	case !w.measuring && now.Sub(w.started) >= w.rig.Warmup:
		w.measuring = true
		w.cpu0, w.busy0, w.err = w.sample()
		w.opened = time.Now()
		w.begin()
	case w.measuring && now.Sub(w.opened) >= w.rig.Window:
		w.elapsed = time.Since(w.opened)
		cpu, busy, err := w.sample()
		w.err = errors.Join(w.err, err)
		w.cpu = cpu - w.cpu0
		w.others = busy - w.busy0
		w.end()
		return false
	}
	return w.err == nil
}

// sample is how long the proxy has run so far, and everything that is neither the proxy nor this
// process on their cores.
func (w *window) sample() (cpu, others time.Duration, err error) {
	cpu, err = w.rig.CPU()
	if err != nil || w.rig.Busy == nil {
		return cpu, 0, err
	}
	busy, err := w.rig.Busy()
	if err != nil {
		return cpu, 0, err
	}
	var own unix.Rusage
	err = unix.Getrusage(unix.RUSAGE_SELF, &own)
	return cpu, busy - cpu - time.Duration(own.Utime.Nano()+own.Stime.Nano()), err
}

// run runs the rig through the warm-up and the window. Between turns it calls each, if any.
func (w *window) run(ctx context.Context, each func(now time.Time)) error {
	err := w.rig.Run(ctx, func() bool {
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

// figures adds to what a mode measured what all of them measure: the share of its core that the
// proxy used, and what others took of both cores, in percent of one.
func (w *window) figures(f Figures) Figures {
	f["cpu_percent"] = 100 * w.cpu.Seconds() / w.elapsed.Seconds()
	if w.rig.Busy != nil {
		f[Disturbance] = 100 * w.others.Seconds() / w.elapsed.Seconds()
	}
	return f
}

// Disturbance is the figure that tells how much else went on, in percent of one core. Clocks of the
// kernel are coarse: a few percent mean nothing.
const Disturbance = "disturbance_percent"
