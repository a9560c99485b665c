//go:build linux && !portable

package tunnel

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

// outbox holds what a socket did not take: the rest of what was read at once for it, and perhaps
// the proxy's last word. Nothing more is read for the socket as long as it has one.
type outbox struct {
	pipe  *pipe // goes first; nil: there is none
	piped int   // how many bytes are in it
	bytes []byte
	sent  int // how many of bytes are gone
}

// keptOutbox is the size up to which an outbox is used again.
const keptOutbox = 2 * loop.BufferSize

var outboxes = sync.Pool{New: func() any { return new(outbox) }}

func newOutbox() *outbox { return outboxes.Get().(*outbox) }

func (o *outbox) add(p []byte) { o.bytes = append(o.bytes, p...) }

// flush writes until all is gone or the socket takes no more.
func (o *outbox) flush(fd int) (empty bool, err error) {
	if o.pipe != nil {
		if o.piped, err = o.pipe.drain(fd, o.piped); o.piped > 0 || err != nil {
			return false, err
		}
		o.pipe.put()
		o.pipe = nil
	}
	for o.sent < len(o.bytes) {
		n, errno := loop.Write(fd, o.bytes[o.sent:])
		o.sent += n
		switch errno {
		case 0:
		case unix.EAGAIN:
			return false, nil
		default:
			return false, os.NewSyscallError("write", errno)
		}
	}
	return true, nil
}

// free gives the outbox back.
func (o *outbox) free() {
	if o.pipe != nil {
		o.pipe.close() // it still holds bytes
	}
	bytes := o.bytes[:0]
	if cap(bytes) > keptOutbox {
		bytes = nil
	}
	*o = outbox{bytes: bytes}
	outboxes.Put(o)
}
