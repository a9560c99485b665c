//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/peer"
	"github.com/fairlead/fairlead/test/bench/wsbench/internal/report"
)

// wantDescriptors are enough for both ends of all modes: two for each tunnel and some.
const wantDescriptors = 65536

// raiseDescriptors raises the limit as far as it goes, for the proxies too, and returns it.
func raiseDescriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	higher := syscall.Rlimit{Cur: wantDescriptors, Max: max(wantDescriptors, limit.Max)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &higher) == nil {
		return wantDescriptors, nil
	}
	limit.Cur = min(limit.Max, wantDescriptors) // not root: up to the hard limit
	return int(limit.Cur), syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// pinSelf moves all threads of this process to the load's core.
func (b *bench) pinSelf() error {
	var set unix.CPUSet
	set.Set(b.loadCore)
	for range 2 { // those that a thread starts while the others are moved inherit its old cores
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("pin to core %d: %w", b.loadCore, err)
			}
		}
	}
	return nil
}

// chooseCores chooses the cores that no flag named.
func (b *bench) chooseCores() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err
	}
	var cores []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	if b.proxyCore < 0 {
		b.proxyCore = cores[len(cores)-1]
	}
	if b.loadCore < 0 {
		b.loadCore = cores[0]
	}
	if b.pin && b.proxyCore == b.loadCore {
		return fmt.Errorf("proxy and load both on core %d: two cores are needed, or --pin=false", b.loadCore)
	}
	return nil
}

// tick is the unit of /proc/stat (USER_HZ, the same on every architecture that Go knows).
const tick = 10 * time.Millisecond

// busy is how long the two cores were not idle since the machine began.
func (b *bench) busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	var sum int64
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 9 || words[0] != fmt.Sprintf("cpu%d", b.proxyCore) && words[0] != fmt.Sprintf("cpu%d", b.loadCore) {
			continue
		}
		for i, word := range words[1:9] { // proc(5): user nice system idle iowait irq softirq steal
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return 0, err
			}
			if i != 3 && i != 4 {
				sum += n
			}
		}
	}
	return time.Duration(sum) * tick, nil
}

func (b *bench) newReport() (*report.Report, error) {
	if err := b.chooseCores(); err != nil {
		return nil, err
	}
	r := &report.Report{
		Begun: time.Now().UTC().Truncate(time.Second), Commit: b.commit(), Rounds: b.rounds, Machine: b.machine(),
		Settings: map[string]string{
			"warm-up": b.settings.Warmup.String(), "window": b.settings.Window.String(),
			"settle": b.settings.Settle.String(), "quiet window": b.settings.Quiet.String(),
		},
	}
	for _, p := range b.peers {
		r.Peers = append(r.Peers, report.Peer{Name: p.Name, Version: p.Version, Ours: p.Ours})
	}
	return r, nil
}

func (b *bench) commit() string {
	out, err := exec.Command("git", "-C", b.root, "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func (b *bench) machine() report.Machine {
	m := report.Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), ProxyCore: strconv.Itoa(b.proxyCore), LoadCore: strconv.Itoa(b.loadCore)}
	if !b.pin {
		m.ProxyCore, m.LoadCore = "any", "any"
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryGiB = int((info.Totalram*uint64(info.Unit) + 1<<29) >> 30)
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(text) {
			if key, value, _ := strings.Cut(string(line), ":"); strings.TrimSpace(key) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}

// maxConfiguration is what of a configuration file is kept in a report; nothing of a key is.
const maxConfiguration = 16 << 10

// noteConfiguration keeps the configuration of a peer in the report, once.
func (b *bench) noteConfiguration(run *peer.Process) {
	for i := range b.report.Peers {
		p := &b.report.Peers[i]
		if p.Name != run.Name() || p.Args != nil {
			continue
		}
		p.Args = run.Args()
		for i := range p.Args {
			p.Args[i] = run.Anonymous(b.folder, p.Args[i])
		}
		p.Files = map[string]string{}
		for _, name := range run.Files() {
			text, err := os.ReadFile(filepath.Join(run.Site.Folder, name))
			if err == nil && len(text) <= maxConfiguration {
				p.Files[name] = run.Anonymous(b.folder, string(text))
			}
		}
	}
}
