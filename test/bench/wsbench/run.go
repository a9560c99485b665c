//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/load"
	"github.com/fairlead/fairlead/test/bench/wsbench/internal/peer"
	"github.com/fairlead/fairlead/test/bench/wsbench/internal/report"
)

// ours is the name of the build of Fairlead that is judged.
const ours = "fairlead"

// bench is one run.
type bench struct {
	*options
	log         io.Writer
	folder      string // for everything that is thrown away
	peers       []*peer.Peer
	certificate peer.Certificate
	descriptors int
	report      *report.Report
}

// runAll measures everything and writes the report.
func runAll(ctx context.Context, o *options, out, log io.Writer) error {
	b := &bench{options: o, log: log}
	var err error
	if b.folder, err = os.MkdirTemp("", "wsbench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.folder) //nolint:errcheck // nothing of worth
	if err := b.prepare(); err != nil {
		return err
	}
	begun := time.Now()
	err = b.measureAll(ctx)
	b.report.Took = time.Since(begun).Round(time.Second).String()
	if len(b.report.Results) == 0 {
		return err
	}
	return errors.Join(err, b.report.Write(o.output), b.report.WriteAll(out, ours))
}

// prepare builds what is measured, then gives the machine its shape.
func (b *bench) prepare() error {
	var err error
	if b.root, err = filepath.Abs(b.root); err != nil {
		return err
	}
	if b.cache, err = filepath.Abs(b.cache); err != nil {
		return err
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil { //nolint:gosec // not a secret
		return err
	}
	if b.descriptors, err = raiseDescriptors(); err != nil {
		return err
	}
	if err := b.open(); err != nil {
		return err
	}
	if b.certificate, err = peer.NewCertificate(b.folder, load.Host); err != nil {
		return err
	}
	if b.report, err = b.newReport(); err != nil {
		return err
	}
	if b.pin {
		if err := b.pinSelf(); err != nil {
			return err
		}
	}
	// Nothing here makes garbage while it measures, and a collection would be a pause.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(4 << 30)
	return nil
}

// open builds or finds all peers.
func (b *bench) open() error {
	builder := peer.Builder{Root: b.root, Cache: b.cache}
	b.tell("building")
	if b.fairlead == "" {
		p, err := peer.BuildFairlead(builder)
		if err != nil {
			return err
		}
		b.peers = append(b.peers, p)
	} else {
		b.extra = slices.Insert(b.extra, 0, ours+"="+b.fairlead)
	}
	for _, text := range b.extra {
		name, path, _ := strings.Cut(text, "=")
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		b.peers = append(b.peers, peer.Fairlead(name, path))
	}
	var errs []error
	for _, name := range b.options.peers {
		p, err := peer.Open(builder, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.peers = append(b.peers, p)
	}
	return errors.Join(errs...)
}

// tell writes a line of progress. That nobody reads it is no reason to end.
func (b *bench) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(b.log, format+"\n", args...)
}

// measureAll measures each case in interleaved rounds; each round begins with another peer. What
// fails is in the report.
func (b *bench) measureAll(ctx context.Context) error {
	for _, t := range b.tasks() {
		peers := slices.DeleteFunc(slices.Clone(b.peers), func(p *peer.Peer) bool { return !p.Takes(t.Mode) })
		for round := range b.rounds {
			for i := range peers {
				p := peers[(i+round)%len(peers)]
				figures, err := b.measureOne(ctx, t, p)
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				one := report.Result{Case: t.Case, Peer: p.Name, Round: round + 1, Figures: figures}
				if err != nil {
					one.Error = err.Error()
				}
				b.report.Results = append(b.report.Results, one)
				b.tell("%s, round %d, %s: %s", t.Case, one.Round, p.Name, one.Summary())
			}
		}
	}
	return nil
}

// measureOne starts a proxy and a backend afresh, so that no measurement sees what another left.
func (b *bench) measureOne(ctx context.Context, t task, p *peer.Peer) (load.Figures, error) {
	l, err := load.NewLoop()
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Spin = b.pin
	backend, err := load.NewBackend(l)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(b.folder, p.Name+"-")
	if err != nil {
		return nil, err
	}
	var cores []int
	if b.pin {
		cores = []int{b.proxyCore}
	}
	run, err := p.Start(ctx, peer.Site{Folder: folder, Host: load.Host, Backends: backend.Addresses,
		Certificate: b.certificate, Descriptors: b.descriptors, Cgroup: b.cgroup}, cores)
	if err != nil {
		return nil, err
	}
	defer run.Stop()
	b.noteConfiguration(run)
	s := load.Subject{Address: run.Site.HTTP, TLS: t.TLS, CPU: run.CPU, Memory: run.Memory, Charged: run.Charged(), Peak: run.Peak(), Descriptors: run.Descriptors, Publish: run.Publish()}
	if b.pin {
		s.Busy = b.busy
	}
	if t.TLS {
		s.Address = run.Site.HTTPS
	}
	rig := load.Rig{Loop: l, Subject: s, Settings: b.settings, Backend: backend}
	if err := load.Await(ctx, rig); err != nil {
		return nil, err
	}
	return t.measure(ctx, rig)
}
