//go:build linux && !portable

package proxy

import (
	"bytes"
	"net"

	"github.com/fairlead/fairlead/proxy/accept"
)

// introduce reads the preface that o begins with, of which p has come now, and returns what follows it.
// nil: nothing did yet, or the connection is over.
func (o *opening) introduce(p []byte) (rest []byte) {
	if len(o.head) > 0 {
		o.head = append(o.head, p...)
		p = o.head
	}
	client, size, err := accept.ReadPreface(p)
	switch {
	case err != nil:
		o.door.server.balancers.Failed(o.from.Addr(), err)
		o.drop()
		return nil
	case size == 0:
		if len(o.head) == 0 {
			o.head = append(o.head, p...)
		}
		o.read() // until the socket has no more: the loop tells of changes only
		return nil
	}
	o.announced = false
	if client.IsValid() {
		o.from, o.remote = client, net.TCPAddrFromAddrPort(client)
	}
	o.within(headTimeout)
	if len(p) == size {
		o.head = o.head[:0]
		o.read()
		return nil
	}
	rest = p[size:]
	if len(o.head) > 0 {
		rest = bytes.Clone(rest) // head is where it is going to be
		o.head = o.head[:0]
	}
	return rest
}
