package accept

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// The PROXY protocol, version 1 and 2, as HAProxy's doc/proxy-protocol.txt has it: what a load
// balancer writes before a client's bytes, to say who the client is.

const (
	// maxLine is the longest line of version 1, its CR LF included, in bytes.
	maxLine = 107
	// maxPreface bounds version 2, in bytes. A preface with a client's certificate has some thousands.
	maxPreface = 16 << 10
	// fixedPreface is the part of version 2 of which every preface has all.
	fixedPreface = 16
)

var (
	line      = []byte("PROXY ")
	signature = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

var (
	errNoPreface  = errors.New("the connection does not begin with the PROXY protocol")
	errBadPreface = errors.New("the connection's PROXY preface is not valid")
)

// ReadPreface reads the preface that p begins with: its size in bytes, and who the client is. A size of
// 0 without an error means that p ends before the preface does. The zero address means that the peer
// speaks for itself (UNKNOWN, LOCAL), or that the client's address is none of TCP.
func ReadPreface(p []byte) (client netip.AddrPort, size int, err error) {
	switch {
	case begins(p, signature):
		return readBinary(p)
	case begins(p, line):
		return readLine(p)
	}
	return client, 0, errNoPreface
}

// begins reports whether p begins with mark, as far as it goes.
func begins(p, mark []byte) bool {
	n := min(len(p), len(mark))
	return bytes.Equal(p[:n], mark[:n])
}

// readLine reads version 1, section 2.1.
func readLine(p []byte) (client netip.AddrPort, size int, err error) {
	end := bytes.IndexByte(p[:min(len(p), maxLine)], '\n')
	switch {
	case end < 0 && len(p) < maxLine:
		return client, 0, nil
	case end < 1 || p[end-1] != '\r':
		return client, 0, errBadPreface
	}
	words := strings.Split(string(p[len(line):end-1]), " ")
	if words[0] == "UNKNOWN" {
		return client, end + 1, nil // whatever follows
	}
	if len(words) != 5 || words[0] != "TCP4" && words[0] != "TCP6" {
		return client, 0, errBadPreface
	}
	client, ok := place(words[1], words[3], words[0] == "TCP4")
	if _, too := place(words[2], words[4], words[0] == "TCP4"); !ok || !too {
		return netip.AddrPort{}, 0, errBadPreface
	}
	return client, end + 1, nil
}

// place reads an address and a port.
func place(address, port string, is4 bool) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() != is4 || a.Zone() != "" {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), err == nil
}

// What the fourteenth byte of version 2 says: the family and the transport.
const (
	tcp4 = 0x11
	tcp6 = 0x21
)

// readBinary reads version 2, section 2.2. What follows the addresses (TLVs) is passed over.
func readBinary(p []byte) (client netip.AddrPort, size int, err error) {
	if len(p) < fixedPreface {
		return client, 0, nil
	}
	command, family := p[12], p[13]
	size = fixedPreface + int(binary.BigEndian.Uint16(p[14:]))
	const local, proxied = 0x20, 0x21 // the version, and the command
	if command != local && command != proxied || size > maxPreface {
		return client, 0, errBadPreface
	}
	var addresses int // how long they are, ports included
	switch {
	case command == local:
	case family == tcp4:
		addresses = 2*4 + 2*2
	case family == tcp6:
		addresses = 2*16 + 2*2
	}
	switch {
	case size < fixedPreface+addresses:
		return client, 0, errBadPreface
	case len(p) < size:
		return client, 0, nil
	case addresses == 0:
		return client, size, nil
	}
	address, _ := netip.AddrFromSlice(p[fixedPreface : fixedPreface+(addresses-4)/2]) // 4 or 16 bytes
	port := binary.BigEndian.Uint16(p[fixedPreface+addresses-4:])
	return netip.AddrPortFrom(address.Unmap(), port), size, nil
}

// missing returns how many more bytes a preface has at least, of which p is all that has come.
func missing(p []byte) int {
	switch {
	case len(p) < len(signature):
		return len(signature) - len(p) // the shortest line is longer
	case !begins(p, signature) && p[len(p)-1] == '\r':
		return 1
	case !begins(p, signature):
		return 2 // at least CR LF
	case len(p) < fixedPreface:
		return fixedPreface - len(p)
	}
	return fixedPreface + int(binary.BigEndian.Uint16(p[14:])) - len(p)
}
