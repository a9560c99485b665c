package annotations

import (
	"fmt"

	"github.com/fairlead/fairlead/proxy/model"
)

// Fallbacks of ingress-nginx, in seconds: what it uses for a timeout that it can't read.
const (
	nginxConnectSeconds = 5
	nginxReadSeconds    = 60
	nginxSendSeconds    = 60
)

var nginxTimeoutRows = []Row{
	{
		Name: "proxy-connect-timeout", Type: typeSeconds, Default: "5", Example: "10",
		Doc:   "Longest time for the connection to one endpoint; as fairlead.dev/connect-timeout.",
		sets:  []string{"Timeouts.Connect"},
		parse: nginxSeconds(nginxConnectSeconds, func(d *draft, t model.Timeout) { d.Timeouts.Connect = t }),
	}, {
		Name: "proxy-read-timeout", Type: typeSeconds, Default: "10 for the handshake, 3600 for an idle session", Example: "3600",
		Doc:     "Longest time to the head of the endpoint's answer, and the longest time without a byte in either direction of a session; as fairlead.dev/handshake-timeout and fairlead.dev/idle-timeout.",
		Differs: "Without it, 60 counts there for both.",
		sets:    []string{"Timeouts.Handshake", "Timeouts.Idle"},
		parse:   nginxSeconds(nginxReadSeconds, func(d *draft, t model.Timeout) { d.Timeouts.Handshake, d.Timeouts.Idle = t, t }),
	}, {
		Name: "proxy-send-timeout", Type: typeSeconds, Default: "60", Example: "120",
		Doc:   "Longest time that a write may be blocked; not an idle timeout. As fairlead.dev/stall-timeout.",
		sets:  []string{"Timeouts.Stall"},
		parse: nginxSeconds(nginxSendSeconds, func(d *draft, t model.Timeout) { d.Timeouts.Stall = t }),
	},
}

var ourTimeoutRows = []Row{
	{
		Name: "connect-timeout", Type: typeDuration, Default: "5s", Example: "2s",
		Doc:  "Longest time for the TCP connection, and TLS if any, to one endpoint.",
		sets: []string{"Timeouts.Connect"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Connect = t }),
	}, {
		Name: "handshake-timeout", Type: typeDuration, Default: "10s", Example: "30s",
		Doc:  "Longest time from the end of the request to the head of the endpoint's answer; then the client gets 504.",
		sets: []string{"Timeouts.Handshake"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Handshake = t }),
	}, {
		Name: "idle-timeout", Type: typeDuration, Default: "1h", Example: "2h",
		Doc:  "Ends a session after this long without a byte in either direction. A Ping that one end sends to the other counts; a Ping of keepalive-interval and its answer don't.",
		sets: []string{"Timeouts.Idle"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Idle = t }),
	}, {
		Name: "stall-timeout", Type: typeDuration, Default: "1m", Example: "20s",
		Doc:  "Ends a session when one side has taken no byte for this long although some wait for it.",
		sets: []string{"Timeouts.Stall"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Stall = t }),
	}, {
		Name: "max-age", Type: typeDuration, Default: "off", Example: "12h",
		Doc:  "Ends a session at this age with Close 1001, so that clients connect anew and spread over new endpoints.",
		sets: []string{"Timeouts.MaxAge"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.MaxAge = t }),
	}, {
		Name: "max-age-jitter", Type: "percent, 0 to 100", Default: "10", Example: "25",
		Doc:  "Shortens or lengthens max-age by up to this much, at random for each session.",
		sets: []string{"Timeouts.MaxAgeJitter"}, parse: whole(0, 100, func(d *draft, n int) { d.Timeouts.MaxAgeJitter = &n }),
	}, {
		Name: "close-timeout", Type: typeDuration, Default: "5s", Example: "3s",
		Doc:  "Longest time that the other end may take to answer a Close frame that the proxy sent.",
		sets: []string{"Timeouts.Close"}, parse: ours(func(d *draft, t model.Timeout) { d.Timeouts.Close = t }),
	},
}

var peers = []option[model.Peers]{{"both", model.PeersBoth}, {"client", model.PeersClient}, {"backend", model.PeersEndpoint}}

var ourKeepaliveRows = []Row{
	{
		Name: "keepalive-interval", Type: typeDuration, Default: "off", Example: "30s",
		Doc:  "Sends a Ping to a side of a WebSocket session from which nothing has come for this long, at least 1s; a side that sends anything gets none. The answer goes no further than Fairlead.",
		sets: []string{"Keepalive.Interval"}, parse: keepalive(ours(func(d *draft, t model.Timeout) { d.Keepalive.Interval = t })),
	}, {
		Name: "keepalive-timeout", Type: typeDuration, Default: "10s", Example: "5s", needs: needPing,
		Doc:  "Drops a side from which nothing has come for this long after a Ping, at least 100ms; the other side gets Close 1011. off: nobody is dropped.",
		sets: []string{"Keepalive.Timeout"}, parse: keepalive(ours(func(d *draft, t model.Timeout) { d.Keepalive.Timeout = t })),
	}, {
		Name: "keepalive-peers", Type: "both, client or backend", Default: "both", Example: "client", needs: needPing,
		Doc:  "Who gets Pings.",
		sets: []string{"Keepalive.Peers"}, parse: choice(peers, func(d *draft, p model.Peers) { d.Keepalive.Peers = p }),
	},
}

// keepalive has the data plane judge what a value makes of the draft's keepalive.
func keepalive(parse parser) parser {
	return func(value string, d *draft) error {
		err := parse(value, d)
		if err == nil {
			err = d.Keepalive.Validate()
		}
		return err
	}
}

var ourDrainRows = []Row{
	{
		Name: "drain-deadline", Type: typeDuration, Default: "30s", Example: "5m",
		Doc:  "How long sessions may stay on an endpoint that began to terminate. off: the pod decides.",
		sets: []string{"Drain.Deadline"}, parse: ours(func(d *draft, t model.Timeout) { d.Drain.Deadline = t }),
	}, {
		Name: "drain-spread", Type: typeDuration, Default: "10s", Example: "20s",
		Doc:  "Window before the deadline over which closes are spread, so that clients don't come back all at once; at most the deadline.",
		sets: []string{"Drain.Spread"}, parse: ours(func(d *draft, t model.Timeout) { d.Drain.Spread = t }),
	}, {
		Name: "drain-close-code", Type: "close code", Default: "1012", Example: "1001",
		Doc:  "Close code (RFC 6455 section 7.4) for clients of a draining endpoint: 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999.",
		sets: []string{"Drain.CloseCode"}, parse: closeCode,
	},
}

// closeCode reads a code that an endpoint may send: 1004, 1005, 1006 and 1015 may not stand in a
// frame (RFC 6455 section 7.4.1).
func closeCode(value string, d *draft) error {
	err := whole(1000, 4999, func(d *draft, n int) { d.Drain.CloseCode = n })(value, d)
	code := d.Drain.CloseCode
	if err == nil && (code == 1004 || code == 1005 || code == 1006 || (code > 1014 && code < 3000)) {
		err = fmt.Errorf("%d may not be sent in a Close frame: write 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999", code)
	}
	return err
}
