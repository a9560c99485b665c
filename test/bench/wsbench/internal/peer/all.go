//go:build linux

package peer

import "fmt"

// Names are the peers that Open knows, in the order in which they are shown.
var Names = []string{"nginx", "nginx-ingress", "haproxy", "haproxy-default", "caddy", "traefik", "naive"}

// Open builds or finds a peer.
func Open(b Builder, name string) (*Peer, error) {
	switch name {
	case "nginx":
		return nginx()
	case "nginx-ingress":
		return nginxIngress()
	case "haproxy":
		return haproxy()
	case "haproxy-default":
		return haproxyDefault()
	case "caddy":
		return caddy(b)
	case "traefik":
		return traefik(b)
	case "naive":
		return naive(b)
	}
	return nil, fmt.Errorf("no peer %q: there are %v", name, Names)
}

// BuildFairlead builds Fairlead from the repository.
func BuildFairlead(b Builder) (*Peer, error) {
	binary, err := b.build("fairlead", "./cmd/fairlead")
	if err != nil {
		return nil, err
	}
	return Fairlead("fairlead", binary), nil
}
