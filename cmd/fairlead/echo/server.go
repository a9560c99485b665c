package echo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// PodHeader names who answers.
	PodHeader = "X-Echo-Pod"
	// largest is how long a message may be: the echo is for trying out, and holds a message in memory.
	largest = 1 << 20
	// writeTime is how long a client may take to accept a message.
	writeTime = 10 * time.Second
	// goodbyeTime is how long clients may take to answer a Close frame.
	goodbyeTime   = 2 * time.Second
	headerTimeout = 10 * time.Second
)

// Server echoes on one listener. Make it with New.
type Server struct {
	pod string

	mu     sync.Mutex
	open   map[*websocket.Conn]bool
	ending bool
	ended  sync.WaitGroup // the sockets, and what is said to them at the end
}

// New returns a server that gives itself a name.
func New(pod string) *Server {
	return &Server{pod: pod, open: map[*websocket.Conn]bool{}}
}

// Serve answers on l until ctx is done. Then it is not ready any more, closes all sockets with 1001 (Going Away), and
// returns when their clients have answered, or have had the time to.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		s.leave()
		return err
	case <-ctx.Done():
	}
	s.leave()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTime)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		return errors.Join(fmt.Errorf("requests are left: %w", err), server.Close())
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(PodHeader, s.pod)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch {
	case s.isEnding():
		http.Error(w, "ending", http.StatusServiceUnavailable)
	case websocket.IsWebSocketUpgrade(r):
		s.upgrade(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case r.URL.Path == "/healthz":
		fmt.Fprintln(w, "ok") //nolint:errcheck // the client is gone
	default:
		fmt.Fprintf(w, "fairlead echo in %s: open a WebSocket here, and each message comes back\n", s.pod) //nolint:errcheck // as above
	}
}

// upgrade answers with 101 and echoes until the socket ends.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{
		CheckOrigin:  func(*http.Request) bool { return true }, // it has nothing to protect
		Subprotocols: websocket.Subprotocols(r),
	}
	conn, err := upgrader.Upgrade(w, r, http.Header{PodHeader: {s.pod}})
	if err != nil {
		return // the upgrader has answered
	}
	defer conn.Close() //nolint:errcheck // it is over
	conn.SetReadLimit(largest)
	if !s.enter(conn) {
		goAway(conn)
		return
	}
	defer s.exit(conn)
	echo(conn)
}

// echo sends back what comes until the socket ends.
func echo(conn *websocket.Conn) {
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return // with a Close frame that was answered already, or without any
		}
		if conn.SetWriteDeadline(time.Now().Add(writeTime)) != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// goAway sends a Close frame; the client has some time to answer it.
func goAway(conn *websocket.Conn) {
	deadline := time.Now().Add(goodbyeTime)
	text := websocket.FormatCloseMessage(websocket.CloseGoingAway, "the pod ends")
	if conn.WriteControl(websocket.CloseMessage, text, deadline) != nil || conn.SetReadDeadline(deadline) != nil {
		conn.Close() //nolint:errcheck,gosec // it is broken already
	}
}

// enter notes a socket, and returns false if it comes too late.
func (s *Server) enter(conn *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	s.open[conn] = true
	s.ended.Add(1)
	return true
}

func (s *Server) exit(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	s.ended.Done()
}

func (s *Server) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// leave closes every socket and waits until they have ended, which they do: reading has a deadline then.
func (s *Server) leave() {
	s.mu.Lock()
	s.ending = true
	open := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, conn := range open {
		s.ended.Go(func() { goAway(conn) }) // one that takes nothing must not keep the others waiting
	}
	s.ended.Wait()
}
