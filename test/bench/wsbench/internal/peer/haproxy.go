//go:build linux

package peer

import "fmt"

// haproxyConfig is tuned: one thread for the one core, no logs, splice where it helps.
// Blanks: connections, plain address, secure address, certificate, backends.
const haproxyConfig = `global
  nbthread 1
  maxconn %[1]d
  maxpipes 512
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
  option splice-auto
  option forwardfor
frontend bench
  bind %[2]s backlog 16384 defer-accept
  bind %[3]s ssl crt %[4]s alpn http/1.1 backlog 16384 defer-accept
  default_backend backend
backend backend
  balance roundrobin
%[5]s`

// haproxy is HAProxy of the distribution.
func haproxy() (*Peer, error) {
	binary, err := installed("haproxy", "haproxy")
	if err != nil {
		return nil, err
	}
	const reserved = 1200 // its pipes for splicing, at two each, and listeners
	return &Peer{Name: "haproxy", Binary: binary, Version: versionOf(binary, "-v"), configure: func(s Site) ([]string, error) {
		path, err := s.write("haproxy.cfg", fmt.Sprintf(haproxyConfig, (s.Descriptors-reserved)/2, s.HTTP, s.HTTPS,
			s.Certificate.BothFile, s.backends("  server s# %s\n")))
		return []string{"-db", "-f", path}, err
	}}, nil
}
