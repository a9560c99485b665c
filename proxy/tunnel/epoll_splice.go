//go:build linux && !portable

package tunnel

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

const (
	// spliceMin is how much of a frame's payload must be to come for it to be worth two system
	// calls a piece instead of a copy.
	spliceMin = 32 << 10
	// bulkHead is how much is read to see what follows a frame that was spliced: enough for the head
	// of the next, and not so much that most of its payload is copied.
	bulkHead = 2 << 10
	// pipeSize is how much a pipe is asked to hold.
	pipeSize = 256 << 10
	// maxPipes is how many pipes wait for their next use.
	maxPipes = 16
	// maxTaken is how many pipes are in use at the same time, each by a stalled reader but for one
	// or so per loop. There may be any number of those, and descriptors are for tunnels: what goes
	// to the others is copied. Together they hold 32 MiB, half of what Linux lets the pipes of a
	// user without privileges hold at full size.
	maxTaken = 128
)

// maySplice reports whether the source's next bytes, up to the end of their frame, can go to the
// destination without being looked at.
func (l *lane) maySplice() bool {
	return l.follow.Left() >= spliceMin && !l.shut && l.secure == nil && l.t.peer(l).secure == nil
}

// splice moves payload from socket to socket within the kernel.
func (l *lane) splice() (drained bool, err error) {
	p := takePipe()
	if p == nil {
		return l.copyPlain()
	}
	n, errno := loop.Splice(int(l.fd), p.in, int(min(l.follow.Left(), pipeSize)))
	if n == 0 {
		p.put()
		switch errno {
		case 0:
			return false, io.EOF
		case unix.EAGAIN:
			return true, nil
		}
		return false, os.NewSyscallError("splice", errno)
	}
	l.bulk = true
	l.heardFrom()
	messages := l.follow.Skip(uint64(n))
	if l.wrote(l.t.peer(l).putPipe(p, n), n) && messages > 0 {
		l.messages.Add(uint64(messages))
	}
	return false, nil
}

// putPipe gives the socket what it takes of a pipe with n bytes, and the outbox the rest.
func (l *lane) putPipe(p *pipe, n int) error {
	if l.dead {
		p.close()
		return os.ErrClosed
	}
	rest, err := p.drain(int(l.fd), n)
	switch {
	case err != nil:
		p.close()
		return err
	case rest > 0:
		l.out = newOutbox()
		l.out.pipe, l.out.piped = p, rest
	default:
		p.put()
	}
	return nil
}

// pipe is where bytes stay in the kernel between two sockets.
type pipe struct{ out, in int }

var pipes struct {
	sync.Mutex
	idle  []*pipe
	taken int
}

// takePipe returns an empty pipe, nil when too many are taken or there are no descriptors left.
func takePipe() *pipe {
	pipes.Lock()
	defer pipes.Unlock()
	if pipes.taken == maxTaken {
		return nil
	}
	if n := len(pipes.idle); n > 0 {
		p := pipes.idle[n-1]
		pipes.idle = pipes.idle[:n-1]
		pipes.taken++
		return p
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	// More than the default if the user's share of pipe memory allows it.
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	pipes.taken++
	return &pipe{fds[0], fds[1]}
}

// put gives an empty pipe back.
func (p *pipe) put() {
	pipes.Lock()
	defer pipes.Unlock()
	pipes.taken--
	if len(pipes.idle) < maxPipes {
		pipes.idle = append(pipes.idle, p)
		return
	}
	p.closeEnds()
}

// close gives a pipe up that may hold bytes.
func (p *pipe) close() {
	pipes.Lock()
	defer pipes.Unlock()
	pipes.taken--
	p.closeEnds()
}

func (p *pipe) closeEnds() {
	_ = unix.Close(p.out)
	_ = unix.Close(p.in)
}

// drain moves n bytes to a socket and returns how many it did not take.
func (p *pipe) drain(fd, n int) (rest int, err error) {
	for n > 0 {
		moved, errno := loop.Splice(p.out, fd, n)
		n -= moved
		switch {
		case errno == unix.EAGAIN:
			return n, nil
		case errno != 0:
			return n, os.NewSyscallError("splice", errno)
		}
	}
	return 0, nil
}
