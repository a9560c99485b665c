package nginx

import (
	"math"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// limits reads limit_conn and limit_req.
func (m *migration) limits(l *location, r *route) {
	for _, d := range l.scope.all("limit_conn") {
		m.limitConn(d, r)
	}
	for _, d := range l.scope.all("limit_req") {
		m.limitReq(d, r)
	}
	for _, name := range []string{"limit_conn_status", "limit_req_status"} {
		if d := l.scope.one(name); d == nil {
			continue
		} else if d.Arg(0) == "503" {
			m.kept(d, "503")
		} else {
			m.differs(d, "what goes beyond a limit gets 503", "")
		}
	}
}

func (r *route) limits() *v1alpha1.Limits {
	if r.policy.Limits == nil {
		r.policy.Limits = &v1alpha1.Limits{}
	}
	return r.policy.Limits
}

// perClient reports whether a zone counts by the client's address, and whether it counts all together.
func perClient(zone *nginxsyntax.Directive) (client, all bool) {
	switch key := strings.Trim(zone.Arg(0), "${}"); key {
	case "binary_remote_addr", "remote_addr", "http_x_forwarded_for", "http_x_real_ip", "realip_remote_addr":
		return true, false
	case "server_name", "host", "http_host":
		return false, true
	}
	return false, len(names(zone.Arg(0))) == 0
}

func (m *migration) limitConn(d *nginxsyntax.Directive, r *route) {
	zone := m.zones[d.Arg(0)]
	n, err := strconv.ParseInt(d.Arg(1), 10, 32)
	if zone == nil || err != nil || n < 1 {
		m.lost(d, "there is no such zone, or the number is none", "write policy.limits")
		return
	}
	number := int32(n)
	client, all := perClient(zone)
	switch {
	case client:
		r.limits().SessionsPerClient = &number
		m.differs(d, "limits.sessionsPerClient "+d.Arg(1)+", counted for each route and replica by itself; nginx counts the zone", "")
	case all:
		r.limits().Sessions = &number
		m.differs(d, "limits.sessions "+d.Arg(1)+", counted for each route and replica by itself; nginx counts the zone", "")
	default:
		m.lost(d, "sessions are counted by the client's address, or all together", "have the backend count by "+zone.Arg(0))
		return
	}
	m.kept(zone, "policy.limits")
}

func (m *migration) limitReq(d *nginxsyntax.Directive, r *route) {
	zone := m.zones[parameter(d.Args, "zone")]
	if zone == nil {
		m.lost(d, "there is no such zone", "write policy.limits")
		return
	}
	rate, ok := perSecond(parameter(zone.Args, "rate"))
	client, all := perClient(zone)
	if !ok || !client && !all {
		m.lost(d, "rates are whole numbers a second, of one client's address or all together", "write policy.limits, or limit-rpm on an Ingress")
		return
	}
	if client {
		r.limits().HandshakesPerSecondPerClient = &rate
	} else {
		r.limits().HandshakesPerSecond = &rate
	}
	burst, _ := strconv.Atoi(parameter(d.Args, "burst"))
	times := int32(min(1000, math.Ceil(float64(burst)/float64(rate))))
	r.limits().Burst = &times
	m.kept(zone, "policy.limits")
	m.differs(d, "a rate of handshakes and plain requests, "+strconv.Itoa(int(rate))+" a second and at most "+strconv.Itoa(int(times))+" times as many at once; none is delayed, and each replica counts by itself", "")
}

// perSecond reads a rate such as 10r/s; those of r/m that are no whole number a second are none.
func perSecond(text string) (int32, bool) {
	number, unit, _ := strings.Cut(text, "r/")
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 {
		return 0, false
	}
	switch {
	case unit == "s":
		return int32(n), true
	case unit == "m" && n%60 == 0:
		return int32(n / 60), true
	}
	return 0, false
}
