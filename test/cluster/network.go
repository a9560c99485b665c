package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// PodCIDR is the range that is local inside a namespace made by Run: each of its addresses can be bound.
var PodCIDR = netip.MustParsePrefix("10.244.0.0/16")

// Network tells where the addresses of pods come from.
type Network struct {
	// Isolated: the process runs in a network namespace of its own, and each pod has an address in PodCIDR.
	// Otherwise all pods share Address and differ in their ports.
	Isolated bool
	// Address is the machine's own address; unset when Isolated.
	Address netip.Addr
}

// CurrentNetwork tells what the calling process has. It fails when the process is not in a namespace made by
// Run and the machine has no address but loopback: there is no address then that an API server accepts.
func CurrentNetwork() (Network, error) {
	if inside {
		return Network{Isolated: true}, nil
	}
	address, err := machineAddress()
	return Network{Address: address}, err
}

// String describes n for people.
func (n Network) String() string {
	if n.Isolated {
		return "a network namespace of its own, pods in " + PodCIDR.String()
	}
	return "the machine's address " + n.Address.String() + ", shared by all pods"
}

// machineAddress returns the first IPv4 address that is neither loopback nor link-local.
func machineAddress() (netip.Addr, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list the machine's addresses: %w", err)
	}
	for _, one := range addresses {
		prefix, err := netip.ParsePrefix(one.String())
		if err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr(), nil
		}
	}
	return netip.Addr{}, errors.New("this machine has no IPv4 address but loopback, which an API server refuses " +
		"in an EndpointSlice; allow network namespaces (unshare --user --net) or give it an address")
}

// furnish makes a fresh network namespace usable: loopback up, and PodCIDR local. Nothing needs a default route, because
// the API server is told which address to advertise.
func furnish() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback link: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	route := netlink.Route{
		LinkIndex: loopback.Attrs().Index,
		Dst:       &net.IPNet{IP: PodCIDR.Addr().AsSlice(), Mask: net.CIDRMask(PodCIDR.Bits(), 32)},
		Type:      unix.RTN_LOCAL,
		Table:     unix.RT_TABLE_LOCAL,
		Scope:     unix.RT_SCOPE_HOST,
	}
	if err := netlink.RouteAdd(&route); err != nil {
		return fmt.Errorf("make %s local: %w", PodCIDR, err)
	}
	return nil
}
