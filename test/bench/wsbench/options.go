//go:build linux

package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/test/bench/wsbench/internal/load"
	"github.com/fairlead/fairlead/test/bench/wsbench/internal/peer"
)

// options are what the flags of run say.
type options struct {
	root, cache string
	output      string
	peers       []string
	modes       []string
	tls         []bool
	rounds      int
	fairlead    string   // a binary; "": built from the repository
	extra       []string // NAME=PATH of further builds of Fairlead
	proxyCore   int
	loadCore    int
	pin         bool
	cgroup      string
	settings    load.Settings
	sizes       sizes
}

// sizes are how much load the modes make.
type sizes struct {
	echo      []int // sockets
	rate      load.RateParams
	handshake load.HandshakeParams
	tunnels   int // idle
	stalled   int // tunnels
	streams   int // sockets
	frames    []int
	storm     int // sockets
	churn     load.ChurnParams
}

// allModes are the modes in the order in which they run.
var allModes = []string{"echo", "rate", "handshake", "idle", "stalled", "stream", "storm", "churn"}

func parse(args []string, log io.Writer) (*options, error) {
	o := &options{sizes: sizes{frames: []int{64 << 10, 1 << 20}}}
	flags := flag.NewFlagSet("wsbench run", flag.ContinueOnError)
	flags.SetOutput(log)
	var peers, modes, secure, echo string
	flags.StringVar(&o.root, "root", ".", "the repository")
	flags.StringVar(&o.cache, "cache", ".cache/bench", "folder for binaries that are built")
	flags.StringVar(&o.output, "output", ".cache/bench/report.json", "file for the report")
	flags.StringVar(&peers, "peers", strings.Join(peer.Names, " "), "what Fairlead is measured beside")
	flags.StringVar(&modes, "modes", strings.Join(allModes, " "), "what is measured")
	flags.StringVar(&secure, "tls", "both", "off, on or both")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each is measured; medians count")
	flags.StringVar(&o.fairlead, "fairlead", "", "a binary of Fairlead to measure; empty: built from the repository")
	flags.Func("peer", "NAME=PATH: a further binary of Fairlead; may be given more than once", func(text string) error {
		if name, path, ok := strings.Cut(text, "="); !ok || name == "" || path == "" {
			return fmt.Errorf("%q is not NAME=PATH", text)
		}
		o.extra = append(o.extra, text)
		return nil
	})
	flags.BoolVar(&o.pin, "pin", true, "give the proxy a core and the load another one")
	flags.StringVar(&o.cgroup, "cgroup", "", "folder of the memory controller, such as /sys/fs/cgroup/memory/wsbench: count what the kernel holds for each proxy too")
	flags.IntVar(&o.proxyCore, "proxy-core", -1, "core of the proxy; -1: the last one")
	flags.IntVar(&o.loadCore, "load-core", -1, "core of clients and backend; -1: the first one")
	flags.DurationVar(&o.settings.Warmup, "warmup", time.Second, "what is not counted at the beginning of a measurement")
	flags.DurationVar(&o.settings.Window, "window", 4*time.Second, "how long is measured")
	flags.DurationVar(&o.settings.Settle, "settle", 10*time.Second, "idle: pause before the quiet window")
	flags.DurationVar(&o.settings.Quiet, "quiet", time.Minute, "idle: the quiet window")
	flags.StringVar(&echo, "echo-sockets", "100 1000", "echo: sockets, each number a case")
	flags.IntVar(&o.sizes.rate.Sockets, "rate-sockets", 1000, "rate: sockets")
	flags.IntVar(&o.sizes.rate.PerSecond, "rate", 10000, "rate: messages a second over all sockets")
	flags.IntVar(&o.sizes.handshake.AtOnce, "handshakes", 64, "handshake: how many at once")
	flags.BoolVar(&o.sizes.handshake.Resume, "resume", false, "handshake: clients come over TLS with a session ticket")
	flags.IntVar(&o.sizes.tunnels, "tunnels", 9000, "idle: tunnels")
	flags.IntVar(&o.sizes.stalled, "stalled-tunnels", 200, "stalled: tunnels")
	flags.IntVar(&o.sizes.streams, "streams", 8, "stream: sockets")
	flags.IntVar(&o.sizes.storm, "storm-sockets", 5000, "storm: sockets")
	flags.IntVar(&o.sizes.churn.Sockets, "churn-sockets", 500, "churn: sockets")
	flags.IntVar(&o.sizes.churn.PerSecond, "churn-rate", 5000, "churn: messages a second over all sockets")
	flags.IntVar(&o.sizes.churn.Publishes, "publishes", 1000, "churn: publishes")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err := o.complete(peers, modes, secure, echo); err != nil {
		return nil, err
	}
	return o, nil
}

// complete reads the lists and checks what the flags hold together.
func (o *options) complete(peers, modes, secure, echo string) error {
	for _, name := range words(peers) {
		if name != "fairlead" { // always measured
			o.peers = append(o.peers, name)
		}
	}
	for _, name := range o.peers {
		if !slices.Contains(peer.Names, name) {
			return fmt.Errorf("--peers: no %q; there are %s", name, strings.Join(peer.Names, ", "))
		}
	}
	o.modes = words(modes)
	for _, name := range o.modes {
		if !slices.Contains(allModes, name) {
			return fmt.Errorf("--modes: no %q; there are %s", name, strings.Join(allModes, ", "))
		}
	}
	switch secure {
	case "off":
		o.tls = []bool{false}
	case "on":
		o.tls = []bool{true}
	case "both":
		o.tls = []bool{false, true}
	default:
		return fmt.Errorf("--tls %q: off, on or both", secure)
	}
	for _, word := range words(echo) {
		var n int
		if _, err := fmt.Sscan(word, &n); err != nil || n < 1 {
			return fmt.Errorf("--echo-sockets: %q is not a number of sockets", word)
		}
		o.sizes.echo = append(o.sizes.echo, n)
	}
	for name, n := range map[string]int{"rounds": o.rounds, "rate": o.sizes.rate.PerSecond, "rate-sockets": o.sizes.rate.Sockets,
		"publishes": o.sizes.churn.Publishes, "churn-rate": o.sizes.churn.PerSecond, "churn-sockets": o.sizes.churn.Sockets} {
		if n < 1 {
			return fmt.Errorf("--%s %d: at least 1", name, n)
		}
	}
	return nil
}

// words cuts a list at blanks and commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}
