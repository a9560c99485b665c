package chat

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

//go:embed page.html
var page []byte

// HeaderPod is the header of every HTTP answer, the 101 included, that names the server.
const HeaderPod = "Chat-Pod"

// Options tune a server; the zero value works.
type Options struct {
	// Pod is the name under which the server introduces itself. Empty: the machine's name.
	Pod string
	// CloseCode is the code with which Shutdown closes sockets (RFC 6455 section 7.4). 0: 1001.
	CloseCode int
	// Before sees every request first, such as to note its headers; true: it has answered. nil: nobody does.
	Before func(w http.ResponseWriter, r *http.Request) bool
}

// Server is a listening chat server. All methods may be called concurrently.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	served   chan struct{} // closed when the accept loop has ended

	leave     chan struct{} // closed by Shutdown: say goodbye
	leaveOnce sync.Once
	running   sync.WaitGroup // sessions

	mu       sync.Mutex
	sessions map[*session]struct{}
	stopped  bool
}

// Listen starts a server on a TCP address such as "10.244.1.7:8080" or "127.0.0.1:0". Who called it
// ends it with Shutdown, Close or Kill.
func Listen(address string, options Options) (*Server, error) {
	if options.Pod == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name the chat server: %w", err)
		}
		options.Pod = host
	}
	if options.CloseCode == 0 {
		options.CloseCode = websocket.CloseGoingAway
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("chat server of %s: %w", options.Pod, err)
	}
	s := &Server{
		options:  options,
		listener: listener,
		served:   make(chan struct{}),
		leave:    make(chan struct{}),
		sessions: make(map[*session]struct{}),
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		// Serve always ends with an error: ErrServerClosed when asked to, else the listener broke and
		// the clients will notice.
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

// Address returns the address on which the server listens.
func (s *Server) Address() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// Sessions returns the number of open sockets.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// ServeHTTP answers one request; the package text lists the paths.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(HeaderPod, s.options.Pod)
	if s.options.Before != nil && s.options.Before(w, r) {
		return
	}
	switch path.Base(r.URL.Path) {
	case "socket":
		s.serveSocket(w, r)
	case "healthz":
		_, _ = w.Write([]byte("ok\n"))
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	}
}

// Shutdown stops listening, sends what is queued and then a Close frame to every socket, and waits for
// the clients' Close frames. Sockets that are still open when ctx ends are cut; then its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.leaveOnce.Do(func() { close(s.leave) })
	// Shutdown of net/http knows nothing of hijacked connections: those are waited for below.
	httpErr := s.http.Shutdown(ctx)
	s.refuseNew()
	gone := make(chan struct{})
	go func() {
		s.running.Wait()
		close(gone)
	}()
	var waitErr error
	select {
	case <-gone:
	case <-ctx.Done():
		waitErr = fmt.Errorf("chat server of %s: %d sockets did not close: %w", s.options.Pod, s.Sessions(), ctx.Err())
		s.cut(false)
		<-gone
	}
	<-s.served
	return errors.Join(httpErr, waitErr)
}

// Close ends everything at once, without Close frames, as a process that is killed does.
func (s *Server) Close() { s.end(false) }

// Kill is Close with a TCP reset instead of a FIN, as when the pod's machine forgot the connection.
func (s *Server) Kill() { s.end(true) }

func (s *Server) end(reset bool) {
	_ = s.listener.Close() // may be closed already
	s.refuseNew()
	s.cut(reset)
	_ = s.http.Close()
	s.running.Wait()
	<-s.served
}

// refuseNew makes add fail, so that no socket slips in behind the ones that are being closed.
func (s *Server) refuseNew() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
}

func (s *Server) cut(reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.sessions {
		one.cut(reset)
	}
}

func (s *Server) add(one *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.sessions[one] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) remove(one *session) {
	s.mu.Lock()
	delete(s.sessions, one)
	s.mu.Unlock()
	s.running.Done()
}

// room returns the sessions of the chat room.
func (s *Server) room() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*session
	for one := range s.sessions {
		if !one.echo {
			all = append(all, one)
		}
	}
	return all
}
