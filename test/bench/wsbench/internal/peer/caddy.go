//go:build linux

package peer

import "fmt"

// caddyConfig leaves out what a plain proxy needs none of: admin API, redirects, logs.
// Blanks: plain address, secure address, certificate, key, backends.
const caddyConfig = `{
	admin off
	auto_https off
	persist_config off
	log {
		level ERROR
	}
	servers {
		protocols h1
	}
}
(backend) {
	reverse_proxy%[6]s {
		lb_policy round_robin
	}
}
http://:%[1]d {
	bind %[2]s
	import backend
}
https://:%[3]d {
	bind %[2]s
	tls %[4]s %[5]s {
		protocols tls1.3
		curves x25519
	}
	import backend
}
`

// caddy is Caddy from its Go module.
func caddy(b Builder) (*Peer, error) {
	binary, err := b.buildTool("caddy")
	if err != nil {
		return nil, err
	}
	return &Peer{Name: "caddy", Binary: binary, Version: b.toolVersion("caddy", "github.com/caddyserver/caddy/v2"), configure: func(s Site) ([]string, error) {
		path, err := s.write("caddy.conf", fmt.Sprintf(caddyConfig, s.HTTP.Port(), s.HTTP.Addr(), s.HTTPS.Port(),
			s.Certificate.ChainFile, s.Certificate.KeyFile, s.backends(" %s")))
		return []string{"run", "--adapter", "caddyfile", "--config", path}, err
	}}, nil
}
