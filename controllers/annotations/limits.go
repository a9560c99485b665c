package annotations

import "net/netip"

// A limit that can't be read is none that could be ignored: ingress-nginx refuses such an Ingress as
// a whole, and so these rows guard.
var nginxLimitRows = []Row{
	{
		Name: "limit-connections", Type: typeCount + ", 0 for none", Default: "0", Example: "20", Guards: true,
		Doc:  "Most sessions and requests of one client address at one time, each replica by itself; a socket counts for its whole life. More are answered 503.",
		sets: []string{"Limits.SessionsPerClient"}, parse: whole(0, maxCount, setSessionsPerClient),
	}, {
		Name: "limit-rpm", Type: typeCount + ", 0 for none", Default: "0", Example: "300", Guards: true,
		Doc:  "Most handshakes and requests a minute of one client address, each replica by itself. More are answered 503.",
		sets: []string{"PerMinute"}, parse: whole(0, maxCount/maxBurst, func(d *draft, n int) { d.PerMinute = n }),
	}, {
		Name: "limit-rps", Type: typeCount + ", 0 for none", Default: "0", Example: "10", Guards: true,
		Doc:  "Most handshakes and requests a second of one client address, each replica by itself. More are answered 503.",
		sets: []string{"PerSecond"}, parse: whole(0, maxCount/maxBurst, func(d *draft, n int) { d.PerSecond = n }),
	}, {
		Name: "limit-burst-multiplier", Type: "0 to 1000", Default: "5", Example: "2", Guards: true, needs: needRate,
		Doc:  "How many times limit-rps and limit-rpm may come at once.",
		sets: []string{"Burst"}, parse: whole(0, maxBurst, setBurst),
	}, {
		Name: "limit-whitelist", Type: typeCIDRs, Default: "none", Example: "10.0.0.0/8", Guards: true, needs: needLimit,
		Doc:  "Clients that the limits don't count for; the old name of limit-allowlist.",
		sets: []string{"Limits.Exempt"}, parse: cidrs(setExempt),
	}, {
		Name: "limit-allowlist", Type: typeCIDRs, Default: "none", Example: "10.0.0.0/8, 192.0.2.7", Guards: true, needs: needLimit,
		Doc:  "Clients that the limits don't count for.",
		sets: []string{"Limits.Exempt"}, parse: cidrs(setExempt),
	}, {
		Name: "limit-rate", Type: "KiB a second, 0 for none", Default: "0", Example: "0",
		Doc:     "Would slow answers down.",
		Differs: "It has no effect, which is told: it never slowed a socket down, and answers are not buffered here.",
		parse:   whole(0, maxCount, tellNoRate),
	}, {
		Name: "limit-rate-after", Type: "KiB", Default: "0", Example: "0",
		Doc:     "Would say after how much of an answer limit-rate begins.",
		Differs: "It has no effect, which is told.",
		parse:   whole(0, maxCount, tellNoRate),
	},
}

// maxBurst bounds how many times a rate may come at once, as in a WebSocketRoute.
const maxBurst = 1000

var ourLimitRows = []Row{
	{
		Name: "sessions", Type: typeCount + ", 0 for none", Default: "0", Example: "5000", Guards: true,
		Doc:  "Most sessions at one time, those in their handshake included, of each replica. More are answered 503.",
		sets: []string{"Limits.Sessions"}, parse: whole(0, maxCount, func(d *draft, n int) { d.Limits.Sessions = n }),
	}, {
		Name: "sessions-per-client", Type: typeCount + ", 0 for none", Default: "0", Example: "20", Guards: true,
		Doc:  "Most sessions of one client address at one time, of each replica. More are answered 503.",
		sets: []string{"Limits.SessionsPerClient"}, parse: whole(0, maxCount, setSessionsPerClient),
	}, {
		Name: "handshakes-per-second", Type: typeCount + ", 0 for none", Default: "0", Example: "500", Guards: true,
		Doc:  "Most handshakes and requests a second of all clients together, of each replica. More are answered 503.",
		sets: []string{"PerSecondOfAll"}, parse: whole(0, maxCount/maxBurst, func(d *draft, n int) { d.PerSecondOfAll = n }),
	}, {
		Name: "handshakes-per-second-per-client", Type: typeCount + ", 0 for none", Default: "0", Example: "10", Guards: true,
		Doc:  "Most handshakes and requests a second of one client address, of each replica. More are answered 503.",
		sets: []string{"PerSecond"}, parse: whole(0, maxCount/maxBurst, func(d *draft, n int) { d.PerSecond = n }),
	}, {
		Name: "burst", Type: "0 to 1000", Default: "5", Example: "2", Guards: true, needs: needRate,
		Doc:  "How many times a rate may come at once.",
		sets: []string{"Burst"}, parse: whole(0, maxBurst, setBurst),
	}, {
		Name: "exempt-cidrs", Type: typeCIDRs, Default: "none", Example: "10.0.0.0/8, 2001:db8::/32", Guards: true, needs: needLimit,
		Doc:  "Clients that the limits for one client don't count for.",
		sets: []string{"Limits.Exempt"}, parse: cidrs(setExempt),
	},
}

func setSessionsPerClient(d *draft, n int) { d.Limits.SessionsPerClient = n }
func setBurst(d *draft, n int)             { d.Burst = &n }
func setExempt(d *draft, l []netip.Prefix) { d.Limits.Exempt = l }

func tellNoRate(d *draft, n int) {
	if n > 0 {
		d.differs("the annotation has no effect: it never slowed a socket down, and the answers of the endpoints are not buffered here; have the application limit what it sends")
	}
}
