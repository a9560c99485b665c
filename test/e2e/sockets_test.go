package e2e_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/test/chat"
)

// every is how often each socket sends; a message is sent whether or not the earlier ones have come back.
const every = 150 * time.Millisecond

// socket is a client's socket that echoes all the time: it sends the numbers 1, 2, 3, … and wants them back in order.
type socket struct {
	pod  string // who greeted
	conn *websocket.Conn

	sent, received atomic.Int64
	quiet          chan struct{} // closed: send no more
	quietOnce      sync.Once
	ended          chan struct{} // closed when the reader has ended
	err            error         // why; read after ended is closed
	at             time.Time     // when
	running        sync.WaitGroup
}

// open opens a socket at ws(s)://host/path, which fairlead serves at address, and lets it echo.
func open(t *testing.T, url, address string) *socket {
	t.Helper()
	s, err := dial(t.Context(), url, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.abandon)
	return s
}

func dial(ctx context.Context, url, address string) (*socket, error) {
	dialer := websocket.Dialer{
		HandshakeTimeout: 20 * time.Second,
		TLSClientConfig:  &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test checks certificates by their serial numbers
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	conn, answer, err := dialer.DialContext(ctx, url+"?mode=echo", nil)
	if err != nil {
		status := "no answer"
		if answer != nil {
			status = answer.Status
		}
		return nil, fmt.Errorf("open %s: %s: %w", url, status, err)
	}
	var hello chat.Hello
	if err := conn.ReadJSON(&hello); err != nil {
		return nil, errors.Join(fmt.Errorf("greeting of %s: %w", url, err), conn.Close())
	}
	s := &socket{pod: hello.Pod, conn: conn, quiet: make(chan struct{}), ended: make(chan struct{})}
	s.running.Go(s.read)
	s.running.Go(s.write)
	return s, nil
}

func (s *socket) write() {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-s.quiet:
			return
		case <-s.ended:
			return
		case <-ticker.C:
		}
		number := s.sent.Add(1)
		if err := s.conn.WriteMessage(websocket.TextMessage, strconv.AppendInt(nil, number, 10)); err != nil {
			return // the reader knows better
		}
	}
}

func (s *socket) read() {
	defer close(s.ended)
	for {
		_, data, err := s.conn.ReadMessage()
		s.at = time.Now()
		if err != nil {
			s.err = err
			return
		}
		if want := s.received.Load() + 1; string(data) != strconv.FormatInt(want, 10) {
			s.err = fmt.Errorf("message %d came back as %q: lost, doubled or out of order", want, data)
			return
		}
		s.received.Add(1)
	}
}

// alive returns an error when the socket has ended.
func (s *socket) alive() error {
	select {
	case <-s.ended:
		return fmt.Errorf("a socket of %s ended after %d messages: %w", s.pod, s.received.Load(), s.err)
	default:
		return nil
	}
}

// hush makes it send no more.
func (s *socket) hush() { s.quietOnce.Do(func() { close(s.quiet) }) }

// settle makes it send no more and waits until all has come back.
func (s *socket) settle(patience time.Duration) error {
	s.hush()
	deadline := time.Now().Add(patience)
	for {
		if err := s.alive(); err != nil {
			return err
		}
		if s.received.Load() == s.sent.Load() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a socket of %s has lost %d of %d messages", s.pod, s.sent.Load()-s.received.Load(), s.sent.Load())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// goodbye waits for the end of the socket and returns the Close frame that ended it.
func (s *socket) goodbye(patience time.Duration) (*websocket.CloseError, error) {
	select {
	case <-s.ended:
	case <-time.After(patience):
		return nil, fmt.Errorf("a socket of %s is still open after %s", s.pod, patience)
	}
	var closed *websocket.CloseError
	if !errors.As(s.err, &closed) || closed.Code == websocket.CloseAbnormalClosure {
		return nil, fmt.Errorf("a socket of %s ended without a Close frame: %w", s.pod, s.err)
	}
	return closed, nil
}

// abandon ends it without goodbye.
func (s *socket) abandon() {
	s.hush()
	_ = s.conn.Close()
	s.running.Wait()
}

// fleet is many sockets.
type fleet []*socket

// alive returns how many are open, and the first few reasons why others are not. Sockets of pods in gone don't count.
func (f fleet) alive(gone map[string]bool) (open int, dead error) {
	count := 0
	for _, s := range f {
		switch err := s.alive(); {
		case gone[s.pod]:
		case err == nil:
			open++
		default:
			if count++; count <= 3 {
				dead = errors.Join(dead, err)
			}
		}
	}
	if count > 3 {
		dead = fmt.Errorf("%w\nand %d more", dead, count-3)
	}
	return open, dead
}

// pods returns the number of sockets of each pod.
func (f fleet) pods() map[string]int {
	count := make(map[string]int)
	for _, s := range f {
		count[s.pod]++
	}
	return count
}
