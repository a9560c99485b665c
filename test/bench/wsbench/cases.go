//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/load"
	"github.com/fairlead/fairlead/test/bench/wsbench/internal/report"
)

// measure is one measurement of a proxy that runs.
type measure func(context.Context, load.Rig) (load.Figures, error)

// task is a case and how it is measured.
type task struct {
	report.Case
	measure measure
}

// tasks are what the options ask for, in order.
func (o *options) tasks() []task {
	var list []task
	for _, mode := range o.modes {
		for _, secure := range o.tls {
			for _, t := range o.variants(mode) {
				t.Mode, t.TLS = mode, secure
				list = append(list, t)
			}
		}
	}
	return list
}

// variants are the cases of a mode, without their mode and TLS.
func (o *options) variants(mode string) []task {
	n := o.sizes
	named := func(name string, m measure) []task { return []task{{report.Case{Variant: name}, m}} }
	switch mode {
	case "echo":
		var list []task
		for _, sockets := range n.echo {
			list = append(list, named(fmt.Sprintf("%d sockets", sockets),
				func(ctx context.Context, g load.Rig) (load.Figures, error) {
					return load.Echo(ctx, g, sockets)
				})...)
		}
		return list
	case "rate":
		return named(fmt.Sprintf("%d/s over %d sockets", n.rate.PerSecond, n.rate.Sockets),
			func(ctx context.Context, g load.Rig) (load.Figures, error) {
				return load.Rate(ctx, g, n.rate)
			})
	case "handshake":
		name := ""
		if n.handshake.Resume {
			name = "resumed"
		}
		return named(name, func(ctx context.Context, g load.Rig) (load.Figures, error) {
			return load.Handshake(ctx, g, n.handshake)
		})
	case "idle":
		return named(fmt.Sprintf("%d tunnels", n.tunnels),
			func(ctx context.Context, g load.Rig) (load.Figures, error) {
				return load.Idle(ctx, g, n.tunnels)
			})
	case "stalled":
		return named(fmt.Sprintf("%d tunnels", n.stalled),
			func(ctx context.Context, g load.Rig) (load.Figures, error) {
				return load.Stalled(ctx, g, n.stalled)
			})
	case "stream":
		return o.streams()
	case "storm":
		return named(fmt.Sprintf("%d sockets", n.storm),
			func(ctx context.Context, g load.Rig) (load.Figures, error) {
				return load.Storm(ctx, g, n.storm)
			})
	case "churn":
		return named(fmt.Sprintf("%d publishes", n.churn.Publishes),
			func(ctx context.Context, g load.Rig) (load.Figures, error) {
				return load.Churn(ctx, g, n.churn)
			})
	}
	return nil
}

// streams are the frames of each size, down and up.
func (o *options) streams() []task {
	var list []task
	for _, frame := range o.sizes.frames {
		for _, up := range []bool{false, true} {
			name := fmt.Sprintf("%d KiB down", frame>>10)
			if up {
				name = fmt.Sprintf("%d KiB up", frame>>10)
			}
			p := load.StreamParams{Sockets: o.sizes.streams, Frame: frame, Up: up}
			list = append(list, task{report.Case{Variant: name},
				func(ctx context.Context, g load.Rig) (load.Figures, error) {
					return load.Stream(ctx, g, p)
				}})
		}
	}
	return list
}
