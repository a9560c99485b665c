package loadbalancer

import (
	"encoding/binary"
	"net"
)

// signature begins every header of version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// Version 2 with the command PROXY, and TCP over IPv4 or IPv6.
const (
	proxyCommand = 0x21
	tcp4         = 0x11
	tcp6         = 0x21
)

// header is what tells a node who the client is, and where it came to.
func header(client net.Conn) []byte {
	from := client.RemoteAddr().(*net.TCPAddr).AddrPort()
	to := client.LocalAddr().(*net.TCPAddr).AddrPort()
	family := byte(tcp6)
	if from.Addr().Unmap().Is4() {
		family = tcp4
	}
	addresses := append(from.Addr().Unmap().AsSlice(), to.Addr().Unmap().AsSlice()...)
	addresses = binary.BigEndian.AppendUint16(addresses, from.Port())
	addresses = binary.BigEndian.AppendUint16(addresses, to.Port())
	all := append([]byte(signature), proxyCommand, family)
	all = binary.BigEndian.AppendUint16(all, uint16(len(addresses))) //nolint:gosec // 36 at most
	return append(all, addresses...)
}
