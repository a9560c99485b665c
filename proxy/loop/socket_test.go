//go:build linux && !portable

package loop_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy/loop"
)

// listen returns a listening socket that does not block, and where it listens.
func listen(t *testing.T) (fd int, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err = loop.DetachListener(l.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd, l.Addr().String()
}

// acceptor counts what comes in on one loop.
type acceptor struct {
	fd  int
	got chan netip.AddrPort
}

func (a acceptor) Ready(loop.Events) {
	for {
		fd, from, err := loop.Accept(a.fd)
		if err != 0 {
			return
		}
		_ = unix.Close(fd)
		a.got <- from
	}
}

// Two loops accept from one socket: each connection comes to one of them, and a loop that is busy
// holds up none.
func TestLoopsShareAListener(t *testing.T) {
	fd, address := listen(t)
	got := make(chan netip.AddrPort, 1000)
	loops := start(t, 2)
	for _, l := range loops {
		on(t, l, func() {
			if err := l.AddListener(fd, acceptor{fd, got}); err != nil {
				t.Error(err)
			}
		})
	}
	connect := func(n int) {
		t.Helper()
		missing := map[string]bool{}
		for range n {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			missing[c.LocalAddr().String()] = true
			if _, err := c.Write([]byte("x")); err != nil { // who says nothing is let in late
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
		for range n {
			from := await(t, got, "a connection is not accepted")
			if !missing[from.String()] {
				t.Errorf("a connection from %s comes twice, or was never made", from)
			}
			delete(missing, from.String())
		}
	}
	connect(100)
	for _, busy := range loops {
		started, over := make(chan struct{}), make(chan struct{})
		busy.Do(func() { close(started); <-over })
		<-started
		connect(20)
		close(over)
	}
	for _, l := range loops {
		on(t, l, func() { l.Remove(fd) })
	}
}

// tcp makes a TCP connection: the far end for the test, the near one for a loop.
func tcp(t *testing.T) (far, near *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_ = a.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// A socket leaves the Go runtime: the connection is closed, what it carried goes on, nothing that
// had come is lost, and no epoll instance of the runtime's watches the socket any more.
func TestDetach(t *testing.T) {
	far, near := tcp(t)
	if _, err := far.Write([]byte("before ")); err != nil {
		t.Fatal(err)
	}
	inode := inodeOf(t, near)
	if n := watchers(t, inode); n != 1 {
		t.Fatalf("%d epoll instances watch a connection of the runtime's, want 1", n)
	}
	fd, err := loop.Detach(near)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := near.Write([]byte("x")); err == nil {
		t.Error("the connection can still be written to")
	}
	if _, err := loop.Detach(near); err == nil {
		t.Error("it can be detached twice")
	}
	if n := watchers(t, inode); n != 0 {
		t.Errorf("%d epoll instances still watch the socket", n)
	}
	l := start(t, 1)[0]
	heard := make(chan string, 10)
	on(t, l, func() {
		if err := l.Add(fd, owner(func(loop.Events) {
			p := make([]byte, 100)
			if n, errno := loop.Read(fd, p); errno == 0 {
				heard <- string(p[:n])
			}
		})); err != nil {
			t.Error(err)
		}
	})
	if text := await(t, heard, "what came before is lost"); text != "before " {
		t.Errorf("heard %q", text)
	}
	if _, err := far.Write([]byte("after")); err != nil {
		t.Fatal(err)
	}
	if text := await(t, heard, "what comes behind is lost"); text != "after" {
		t.Errorf("heard %q", text)
	}
	if n, errno := loop.Write(fd, []byte("and back")); n != 8 || errno != 0 {
		t.Errorf("%d, %v", n, errno)
	}
	got := make([]byte, 8)
	if _, err := far.Read(got); err != nil || string(got) != "and back" {
		t.Errorf("%q, %v", got, err)
	}
	if n := watchers(t, inode); n != 1 {
		t.Errorf("%d epoll instances watch the socket, want the loop's", n)
	}
	on(t, l, func() { l.Close(fd) })
	if n, err := far.Read(got); n != 0 || err == nil {
		t.Errorf("%d bytes, %v; want the end", n, err)
	}
}

// A socket goes back to the runtime.
func TestAttach(t *testing.T) {
	far, near := tcp(t)
	fd, err := loop.Detach(near)
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, 1)[0]
	on(t, l, func() {
		if err := l.Add(fd, owner(func(loop.Events) {})); err != nil {
			t.Error(err)
		}
		l.Remove(fd)
	})
	back, err := loop.Attach(fd)
	if err != nil {
		t.Fatal(err)
	}
	inode := inodeOf(t, back.(*net.TCPConn))
	if n := watchers(t, inode); n != 1 {
		t.Errorf("%d epoll instances watch the socket, want the runtime's", n)
	}
	if _, err := far.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := back.Read(got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	_ = back.Close()
	if n, err := far.Read(got); n != 0 || err == nil {
		t.Errorf("%d bytes, %v; want the end: somebody else still has the socket", n, err)
	}
	_, other := pair(t)
	_ = unix.Close(other)
	if _, err := loop.Attach(other); err == nil {
		t.Error("what is no socket is a connection")
	}
}

// inodeOf returns what the kernel calls a connection's socket.
func inodeOf(t *testing.T, c *net.TCPConn) uint64 {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if cerr := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return stat.Ino
}

// watched is a line about a descriptor that an epoll instance watches.
var watched = regexp.MustCompile(`(?m)^tfd:.* ino:([0-9a-f]+)`)

// watchers counts the epoll instances of this process that watch a socket, see proc(5).
func watchers(t *testing.T, inode uint64) (n int) {
	t.Helper()
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range infos {
		info, err := os.ReadFile(name)
		if err != nil {
			continue // of a descriptor that is closed again
		}
		for _, m := range watched.FindAllSubmatch(info, -1) {
			if ino, err := strconv.ParseUint(string(m[1]), 16, 64); err == nil && ino == inode {
				n++
			}
		}
	}
	return n
}

// Payload goes from socket to socket without coming into the process.
func TestSplice(t *testing.T) {
	far, near := tcp(t)
	fd, err := loop.Detach(near)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(pipe[0]), unix.Close(pipe[1]) }()
	if n, errno := loop.Splice(fd, pipe[1], 100); n != 0 || errno != unix.EAGAIN {
		t.Errorf("nothing has come: %d, %v", n, errno)
	}
	text := bytes.Repeat([]byte("to and fro "), 1000)
	if _, err := far.Write(text); err != nil {
		t.Fatal(err)
	}
	for moved := 0; moved < len(text); {
		in, errno := loop.Splice(fd, pipe[1], len(text))
		if errno == unix.EAGAIN {
			time.Sleep(time.Millisecond) // it is under way
			continue
		}
		out, errnoOut := loop.Splice(pipe[0], fd, in)
		if errno != 0 || errnoOut != 0 || out != in {
			t.Fatal(fmt.Sprint(in, errno, out, errnoOut))
		}
		moved += out
	}
	got := make([]byte, len(text))
	for n := 0; n < len(got); {
		k, err := far.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	if !bytes.Equal(got, text) {
		t.Error("what came back is not what was sent")
	}
	_ = far.CloseWrite()
	for {
		n, errno := loop.Splice(fd, pipe[1], 100)
		if errno == unix.EAGAIN {
			time.Sleep(time.Millisecond)
			continue
		}
		if n != 0 || errno != 0 {
			t.Errorf("at the end of the stream: %d, %v", n, errno)
		}
		return
	}
}

// A connection that a loop begins: it is there, or nobody listens, when the loop says Writable.
func TestConnect(t *testing.T) {
	fd, address := listen(t)
	l := start(t, 1)[0]
	attempt := func() error {
		result := make(chan error, 1)
		on(t, l, func() {
			socket, err := loop.Connect(netip.MustParseAddrPort(address))
			if err != nil {
				result <- err
				return
			}
			if err := l.Add(socket, owner(func(e loop.Events) {
				if e.Has(loop.Writable) {
					code, _ := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_ERROR)
					l.Close(socket)
					if code != 0 {
						result <- unix.Errno(code)
						return
					}
					result <- nil
				}
			})); err != nil {
				result <- err
			}
		})
		return await(t, result, "the attempt has no end")
	}
	if err := attempt(); err != nil {
		t.Error(err)
	}
	_ = unix.Close(fd)
	if err := attempt(); err != unix.ECONNREFUSED { //nolint:errorlint // an Errno
		t.Errorf("%v, want that it is refused", err)
	}
}
