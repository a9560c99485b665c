//go:build linux

package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Peer is a proxy that can be measured.
type Peer struct {
	Name    string
	Binary  string
	Version string
	Ours    bool // a build of Fairlead
	// configure writes the configuration for a site below its folder and returns the arguments that
	// the binary is started with.
	configure func(Site) ([]string, error)
	// publish changes the configuration of a running one and waits until it is served; nil: not measured.
	publish func(ctx context.Context, s Site, n int) error
	modes   []string // in which it is measured; none: in all
}

// Takes reports whether the peer is measured in a mode.
func (p *Peer) Takes(mode string) bool {
	if mode == "churn" && p.publish == nil {
		return false
	}
	return len(p.modes) == 0 || slices.Contains(p.modes, mode)
}

// Site is where a proxy listens and what it leads to.
type Site struct {
	Folder      string // its own, for configuration and temporary files
	Host        string // that clients ask for
	HTTP, HTTPS netip.AddrPort
	Admin       netip.AddrPort // for those that have such a thing
	Backends    []netip.AddrPort
	Certificate Certificate
	Descriptors int    // that it may open
	Cgroup      string // in which it gets a memory cgroup of its own; "": none
}

// backends are the addresses of the backend, each formatted.
func (s Site) backends(format string) string {
	var b strings.Builder
	for i, a := range s.Backends {
		fmt.Fprintf(&b, strings.ReplaceAll(format, "#", fmt.Sprint(i+1)), a)
	}
	return b.String()
}

// write writes a file of the site.
func (s Site) write(name, content string) (string, error) {
	path := filepath.Join(s.Folder, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// Process is a proxy that runs.
type Process struct {
	Site Site
	peer *Peer
	cmd  *exec.Cmd
	args []string
	own  *cgroup // nil: none
	said string  // file with what it wrote
	done chan struct{}
	err  error // of Wait, once done is closed
}

// startTimeout bounds the time until a proxy accepts connections.
const startTimeout = 20 * time.Second

// Start configures and starts the peer on the given cores (none: all) and returns when it accepts
// connections. It dies with the calling process, whatever happens to that.
func (p *Peer) Start(ctx context.Context, s Site, cores []int) (*Process, error) {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	args, err := p.configure(s)
	if err != nil {
		return nil, err
	}
	run := &Process{Site: s, peer: p, args: slices.Insert(args, 0, p.Binary), said: filepath.Join(s.Folder, "output"), done: make(chan struct{})}
	if err := run.start(cores); err != nil {
		run.leave()
		return nil, err
	}
	if err := run.ready(ctx); err != nil {
		run.Stop()
		return nil, fmt.Errorf("%s: %w; it said: %s", p.Name, err, run.output())
	}
	return run, nil
}

// start starts the process.
func (r *Process) start(cores []int) error {
	command := r.args
	if r.Site.Cgroup != "" {
		var err error
		if r.own, err = newCgroup(r.Site.Cgroup, r.peer.Name); err != nil {
			return err
		}
		command = r.own.command(command)
	}
	r.cmd = exec.Command(command[0], command[1:]...)
	output, err := os.Create(r.said)
	if err != nil {
		return err
	}
	defer output.Close() //nolint:errcheck // the process has its own
	r.cmd.Dir = r.Site.Folder
	r.cmd.Stdout, r.cmd.Stderr = output, output
	r.cmd.Env = append(os.Environ(), "HOME="+r.Site.Folder, "XDG_DATA_HOME="+r.Site.Folder, "XDG_CONFIG_HOME="+r.Site.Folder)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true} // not SIGKILL: nginx must end its workers
	if err := onCores(cores, r.cmd.Start); err != nil {
		return fmt.Errorf("start %s: %w", r.peer.Name, err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	return nil
}

// onCores calls f on a thread that is pinned, so that a process which f starts is pinned from its
// beginning: what it makes of the number of its cores is then right.
func onCores(cores []int, f func() error) error {
	if len(cores) == 0 {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	for _, c := range cores {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	return errors.Join(f(), unix.SchedSetaffinity(0, &before))
}

// Stop ends all processes of the proxy and waits until the first one is gone.
func (r *Process) Stop() {
	select {
	case <-r.done: // its number may be another's by now
	default:
		_ = syscall.Kill(-r.PID(), syscall.SIGKILL)
		<-r.done
	}
	r.leave()
}

// leave removes what was made for the process.
func (r *Process) leave() {
	if r.own != nil {
		r.own.remove()
	}
}

// output is the end of what the proxy wrote.
func (r *Process) output() string {
	text, err := os.ReadFile(r.said)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// Name is the peer's.
func (r *Process) Name() string { return r.peer.Name }

// Args are the arguments it was started with.
func (r *Process) Args() []string {
	args := slices.Clone(r.args)
	args[0] = filepath.Base(args[0])
	return args
}

// Anonymous writes DIR for the folder of the proxy in a text, and SCRATCH for the one around it.
func (r *Process) Anonymous(scratch, text string) string {
	return strings.NewReplacer(r.Site.Folder, "DIR", scratch, "SCRATCH").Replace(text)
}

// PID is that of the first process.
func (r *Process) PID() int { return r.cmd.Process.Pid }

// ready waits until both ports accept.
func (r *Process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var dialer net.Dialer
	accepts := func(at netip.AddrPort) bool {
		conn, err := dialer.DialContext(ctx, "tcp", at.String())
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}
	for !accepts(r.Site.HTTP) || !accepts(r.Site.HTTPS) {
		select {
		case <-r.done:
			return fmt.Errorf("it ended: %w", r.err)
		case <-ctx.Done():
			return fmt.Errorf("it does not accept connections: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// listen chooses ports that are free.
func (s *Site) listen() error {
	var held []net.Listener // until all are chosen, so that they differ
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for _, at := range []*netip.AddrPort{&s.HTTP, &s.HTTPS, &s.Admin} {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		held = append(held, l)
		address, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return err
		}
		*at = address
	}
	return nil
}

// Files are the names of the configuration files in its folder, without the one with a key.
func (r *Process) Files() []string {
	var names []string
	for _, pattern := range []string{"*.conf", "*.cfg", "*.json", "*.y*ml", "manifests/*"} {
		found, err := filepath.Glob(filepath.Join(r.Site.Folder, pattern))
		if err != nil {
			continue
		}
		for _, path := range found {
			if name, err := filepath.Rel(r.Site.Folder, path); err == nil && filepath.Base(name) != "secret.yaml" {
				names = append(names, name)
			}
		}
	}
	return names
}

// Publish changes the configuration of the running proxy; nil where that is not measured.
func (r *Process) Publish() func(ctx context.Context, n int) error {
	if r.peer.publish == nil {
		return nil
	}
	return func(ctx context.Context, n int) error { return r.peer.publish(ctx, r.Site, n) }
}
