package nodes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
)

// The addresses are free to choose: nobody else is in the world.
var (
	worldPrefix  = netip.MustParsePrefix("10.250.0.1/24")   // the world's own address, and the wire to the nodes
	firstNode    = netip.MustParseAddr("10.250.0.11")       // node1; the others follow
	cloudPrefix  = netip.MustParsePrefix("10.250.200.0/24") // addresses of load balancers
	podPrefix    = netip.MustParsePrefix("10.244.0.0/16")   // each node has a /24 of it
	serviceRange = netip.MustParsePrefix("10.96.0.0/16")
	kubernetesIP = netip.MustParseAddr("10.96.0.1") // of the Service "kubernetes"
)

const (
	wire  = "world" // the bridge that joins the nodes
	cloud = "lo"    // the link that has the load balancers' addresses
)

// bringLoopbackUp is the first thing that a new network namespace needs.
func bringLoopbackUp() error {
	return setUp("lo")
}

func setUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find the link %s: %w", name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring the link %s up: %w", name, err)
	}
	return nil
}

// layWire makes what joins the nodes.
func layWire() error {
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: named(wire)}); err != nil {
		return fmt.Errorf("make the link %s: %w", wire, err)
	}
	return errors.Join(setUp(wire), addAddress(wire, worldPrefix), forward())
}

// takeWire removes what layWire made.
func takeWire() error {
	link, err := netlink.LinkByName(wire)
	if err != nil {
		return nil // it was not laid
	}
	return netlink.LinkDel(link)
}

// plugIn connects a machine to the wire, under an address that it keeps all its life.
func plugIn(m *machine, name string, address netip.Addr) error {
	bridge, err := netlink.LinkByName(wire)
	if err != nil {
		return fmt.Errorf("find the link %s: %w", wire, err)
	}
	cable := &netlink.Veth{
		LinkAttrs:     named(name),
		PeerName:      "eth0",
		PeerNamespace: netlink.NsPid(m.first.Process.Pid),
		// Its own for ever, so that neighbours still know it after a power cut.
		PeerHardwareAddr: append(net.HardwareAddr{2, 0}, address.AsSlice()...),
	}
	cable.MasterIndex = bridge.Attrs().Index
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("make the link of %s: %w", name, err)
	}
	if err := setUp(name); err != nil {
		return err
	}
	return m.inside(func() error {
		if err := errors.Join(bringLoopbackUp(), setUp("eth0")); err != nil {
			return err
		}
		if err := addAddress("eth0", netip.PrefixFrom(address, worldPrefix.Bits())); err != nil {
			return err
		}
		if err := addRoute(netip.PrefixFrom(netip.IPv4Unspecified(), 0), worldPrefix.Addr()); err != nil {
			return err
		}
		return forward()
	})
}

// unplug takes a machine from the wire: from here on no packet leaves it.
func unplug(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("unplug %s: %w", name, err)
	}
	return nil
}

func named(name string) netlink.LinkAttrs {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	return attributes
}

func addAddress(link string, address netip.Prefix) error {
	on, err := netlink.LinkByName(link)
	if err == nil {
		err = netlink.AddrReplace(on, &netlink.Addr{IPNet: ipNet(address)})
	}
	if err != nil {
		return fmt.Errorf("give %s to the link %s: %w", address, link, err)
	}
	return nil
}

func removeAddress(link string, address netip.Prefix) error {
	on, err := netlink.LinkByName(link)
	if err == nil {
		err = netlink.AddrDel(on, &netlink.Addr{IPNet: ipNet(address)})
	}
	if err != nil {
		return fmt.Errorf("take %s from the link %s: %w", address, link, err)
	}
	return nil
}

// addRoute sends what goes to a range by a neighbour.
func addRoute(to netip.Prefix, by netip.Addr) error {
	route := &netlink.Route{Dst: ipNet(to), Gw: by.AsSlice()}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("route %s by %s: %w", to, by, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// forward lets packets through that are for others.
func forward() error {
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600)
}
