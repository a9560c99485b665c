package nginx

import (
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// nginxDefault is what proxy_read_timeout, proxy_send_timeout and proxy_connect_timeout are without a
// directive.
const nginxDefault = time.Minute

// timeouts reads the three timeouts of a location.
func (m *migration) timeouts(l *location, p *pass, r *route) {
	t := &v1alpha1.Timeouts{}
	r.policy.Timeouts = t
	if d, length := m.timeout(l, "proxy_read_timeout"); d != nil {
		t.Idle, t.Handshake = duration(length), duration(length)
		m.kept(d, "idle %s, which counts bytes of both directions as nginx does, and handshake %s", t.Idle, t.Handshake)
	} else {
		t.Handshake = duration(nginxDefault)
		m.differs(p.d, "without proxy_read_timeout nginx ends sockets after 60 seconds of silence, Fairlead after an hour", "write idle: 1m into the policy's timeouts if they must end so soon")
	}
	if d, length := m.timeout(l, "proxy_send_timeout"); d != nil {
		t.Stall = duration(length)
		m.kept(d, "stall %s: how long a write may be blocked", t.Stall)
	}
	if d, length := m.timeout(l, "proxy_connect_timeout"); d != nil {
		t.Connect = duration(length)
		m.kept(d, "connect %s", t.Connect)
	}
}

// timeout reads one directive; nil when there is none that can be read.
func (m *migration) timeout(l *location, name string) (*nginxsyntax.Directive, time.Duration) {
	d := l.scope.one(name)
	if d == nil {
		return nil, 0
	}
	length, err := parseTime(d.Arg(0))
	if err != nil || length == 0 {
		m.lost(d, "no time that can be waited: the default is used", "write it into the policy's timeouts, such as 1h30m")
		return nil, 0
	}
	return d, length
}
