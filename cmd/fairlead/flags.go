package main

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// prefixes is a flag of address ranges, separated by commas; given again, it adds to them. A single
// address is a range of one.
type prefixes []netip.Prefix

func (p *prefixes) Type() string { return "CIDRs" }

func (p *prefixes) String() string {
	list := make([]string, len(*p))
	for i, prefix := range *p {
		list[i] = prefix.String()
	}
	return strings.Join(list, ",")
}

func (p *prefixes) Set(value string) error {
	list := slices.Clone(*p)
	for _, word := range words(value) {
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			address, noAddress := netip.ParseAddr(word)
			if noAddress != nil {
				return fmt.Errorf("%q is neither an address range such as 10.0.0.0/8 nor an IP address", word)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		list = append(list, prefix.Masked())
	}
	*p = list
	return nil
}

// addresses is a flag of IP addresses and DNS names, separated by commas; given again, it adds to
// them. What an API server would refuse in a status is refused here.
type addresses []string

// mostAddresses is what the status of a WebSocketRoute has room for.
const mostAddresses = 16

func (a *addresses) Type() string { return "addresses" }

func (a *addresses) String() string { return strings.Join(*a, ",") }

func (a *addresses) Set(value string) error {
	list := slices.Clone(*a)
	for _, word := range words(value) {
		ip, err := netip.ParseAddr(word)
		if isIP := err == nil && ip.Zone() == ""; !isIP && len(validation.IsDNS1123Subdomain(word)) > 0 {
			return fmt.Errorf("%q is neither an IP address nor a DNS name in lower case", word)
		}
		list = append(list, word)
	}
	if len(list) > mostAddresses {
		return fmt.Errorf("%d addresses: a status has room for %d", len(list), mostAddresses)
	}
	*a = list
	return nil
}

// words cuts a list at its commas and drops the space around its parts.
func words(value string) []string {
	var list []string
	for word := range strings.SplitSeq(value, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// objectName is a flag that names an object: namespace/name.
type objectName types.NamespacedName

func (n *objectName) Type() string { return "namespace/name" }

func (n *objectName) String() string {
	if n.Name == "" {
		return ""
	}
	return n.Namespace + "/" + n.Name
}

func (n *objectName) Set(value string) error {
	namespace, name, ok := strings.Cut(value, "/")
	if value != "" && (!ok || namespace == "" || name == "" || strings.Contains(name, "/")) {
		return fmt.Errorf("%q is not namespace/name", value)
	}
	*n = objectName{Namespace: namespace, Name: name}
	return nil
}

// tlsVersion is a flag of a version of TLS, of package crypto/tls. 0: the default.
type tlsVersion uint16

func (v *tlsVersion) Type() string { return "version" }

func (v *tlsVersion) String() string {
	switch uint16(*v) {
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return ""
}

// Set takes the names that Kubernetes' own components and nginx have for a version, too.
func (v *tlsVersion) Set(value string) error {
	switch value {
	case "":
		*v = 0
	case "1.2", "TLSv1.2", "VersionTLS12":
		*v = tls.VersionTLS12
	case "1.3", "TLSv1.3", "VersionTLS13":
		*v = tls.VersionTLS13
	default:
		return fmt.Errorf("%q is neither 1.2 nor 1.3; older versions are broken (RFC 8996)", value)
	}
	return nil
}
