package nginx

import (
	"fmt"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// handshake are the variables of a WebSocket handshake, as far as headers are made of them.
var handshake = map[string]string{"http_upgrade": "websocket", "http_connection": "Upgrade", "connection_upgrade": "upgrade"}

// upgrades looks whether nginx led WebSocket handshakes through: Upgrade and Connection must be set,
// because nginx drops them, and HTTP must be 1.1.
func (m *migration) upgrades(l *location, d *nginxsyntax.Directive) {
	given := handshake
	if m.vars.maps["connection_upgrade"] != nil {
		given = map[string]string{"http_upgrade": "websocket", "http_connection": "Upgrade"}
	}
	sent := map[string]string{}
	for _, h := range l.scope.all("proxy_set_header") {
		name := strings.ToLower(h.Arg(0))
		if name != "upgrade" && name != "connection" {
			continue
		}
		m.useMaps(h)
		value, _ := m.vars.expand(h.Arg(1), given, l.scope)
		sent[name] = value
		m.kept(h, "handshakes always get the Upgrade and Connection that they need")
	}
	version := l.scope.one("proxy_http_version")
	if version != nil {
		m.kept(version, "endpoints are always spoken to in HTTP/1.1")
	}
	var missing []string
	if !strings.EqualFold(sent["upgrade"], "websocket") {
		missing = append(missing, `proxy_set_header Upgrade $http_upgrade`)
	}
	if !hasToken(sent["connection"], "upgrade") {
		missing = append(missing, `proxy_set_header Connection "upgrade"`)
	}
	if version == nil || version.Arg(0) != "1.1" {
		missing = append(missing, "proxy_http_version 1.1")
	}
	if len(missing) == 0 || l.scope.on("internal") != nil {
		return
	}
	m.differs(d, fmt.Sprintf("WebSockets never worked here in nginx, for want of %s; Fairlead leads them through", strings.Join(missing, ", ")),
		"if none must pass, write protocols: [HTTP] into the rule's policy")
}

// hasToken reports whether a list header has a token (RFC 9110 section 5.6.1).
func hasToken(value, token string) bool {
	for part := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

// useMaps tells of the maps whose variables a directive uses, since what they are for is done.
func (m *migration) useMaps(d *nginxsyntax.Directive) {
	for _, arg := range d.Args {
		for _, name := range names(arg) {
			if used := m.vars.maps[name]; used != nil && !m.told[used.at] {
				m.silence(used.at.Block)
				m.kept(used.at, "needed no more: what $%s was for is done", name)
			}
		}
	}
}
