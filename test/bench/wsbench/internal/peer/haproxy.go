//go:build linux

package peer

import "fmt"

// haproxyConfig is tuned: one thread for the one core, no logs. Buffers of 64 KiB moved large frames
// at less CPU here than any choice of its splice options; idle tunnels hold none.
// Blanks: connections, plain address, secure address, certificate, backends, buffer size.
const haproxyConfig = `global
  nbthread 1
  maxconn %[1]d
  tune.bufsize %[6]d
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-curves X25519
  tune.ssl.cachesize 0
defaults
  mode http
  maxconn %[1]d
  timeout connect 5s
  timeout http-request 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  option forwardfor
frontend bench
  bind %[2]s backlog 16384 defer-accept
  bind %[3]s ssl crt %[4]s alpn http/1.1 backlog 16384 defer-accept
  default_backend backend
backend backend
  balance roundrobin
%[5]s`

// haproxy is HAProxy of the distribution.
func haproxy() (*Peer, error) { return newHAProxy("haproxy", 64<<10) }

// haproxyDefault is HAProxy with the buffers that it has unless told otherwise.
func haproxyDefault() (*Peer, error) {
	p, err := newHAProxy("haproxy-default", 16<<10)
	if p != nil {
		p.modes = []string{"idle", "stream"} // where buffers matter
	}
	return p, err
}

func newHAProxy(name string, buffer int) (*Peer, error) {
	binary, err := installed("haproxy", "haproxy")
	if err != nil {
		return nil, err
	}
	const reserved = 100 // descriptors for listeners and the like
	return &Peer{Name: name, Binary: binary, Version: versionOf(binary, "-v"), configure: func(s Site) ([]string, error) {
		path, err := s.write("haproxy.cfg", fmt.Sprintf(haproxyConfig, (s.Descriptors-reserved)/2, s.HTTP, s.HTTPS,
			s.Certificate.BothFile, s.backends("  server s# %s\n"), buffer))
		return []string{"-db", "-f", path}, err
	}}, nil
}
