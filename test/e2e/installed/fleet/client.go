package fleet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/test/chat"
)

// client is one user, with a cookie jar as browsers have one.
type client struct {
	fleet  *Fleet
	number int
	dialer websocket.Dialer
	away   []*End        // the ends since the last echo; the fleet's mu guards it
	again  chan struct{} // asks the client to leave its socket and to come again
}

func newClient(f *Fleet, number int) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no options that could be wrong
	}
	c := &client{fleet: f, number: number, again: make(chan struct{}, 1), dialer: websocket.Dialer{
		HandshakeTimeout: f.options.Patience, TLSClientConfig: f.options.TLS, Jar: jar,
	}}
	var from net.Dialer
	if f.options.From != "" {
		from.LocalAddr = &net.TCPAddr{IP: net.ParseIP(f.options.From)}
	}
	c.dialer.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return from.DialContext(ctx, network, cmp.Or(f.options.Address, address))
	}
	return c
}

// live opens a socket, and another one whenever it ends, until ctx is done.
func (c *client) live(ctx context.Context) {
	pause := firstPause
	c.fleet.slots <- struct{}{}
	s, err := c.open(ctx)
	<-c.fleet.slots
	for ctx.Err() == nil {
		if err != nil {
			c.fleet.refused(Refusal{Client: c.number, At: time.Now(), What: err.Error()})
		} else {
			s.serve(ctx)
			pause = firstPause
		}
		rest(ctx, pause/2+rand.N(pause/2))
		pause = min(2*pause, longestPause)
		s, err = c.open(ctx)
	}
	if err == nil {
		_ = s.conn.Close() // it came too late
	}
}

// rest waits for a while, or until ctx is done.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// open opens a socket and hears its greeting.
func (c *client) open(ctx context.Context) (*socket, error) {
	var header http.Header
	if c.fleet.options.Header != nil {
		header = c.fleet.options.Header(c.number)
	}
	began := time.Now()
	conn, answer, err := c.dialer.DialContext(ctx, c.fleet.options.URL+"?mode=echo", header)
	if answer != nil {
		defer func() { _ = answer.Body.Close() }() // gorilla has read what there is of it
	}
	if err != nil {
		status, body := "", []byte(nil)
		if answer != nil {
			status = strconv.Itoa(answer.StatusCode)
			body, _ = io.ReadAll(answer.Body)
		}
		return nil, errors.New(explain(err, status, body))
	}
	var hello chat.Hello
	err = conn.SetReadDeadline(began.Add(c.fleet.options.Patience))
	if err == nil {
		err = conn.ReadJSON(&hello)
	}
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("no greeting: %s", explain(err, "", nil))
	}
	return &socket{client: c, conn: conn, place: Place{
		Client: c.number, Open: true, Pod: hello.Pod, Replica: hello.Peer, Seen: hello.Client, Since: time.Now(),
	}}, nil
}

// socket is an open socket and the messages that wait for their echo.
type socket struct {
	client *client
	conn   *websocket.Conn
	place  Place

	mu      sync.Mutex
	sent    int
	waiting []time.Time // when the messages without an echo were sent, the oldest first
}

var errEcho = errors.New("an echo is not what was sent")

// serve uses the socket until it ends, or until ctx is done and all has come back.
func (s *socket) serve(ctx context.Context) {
	heard := make(chan error, 1)
	go func() { heard <- s.hear() }()
	err := s.talk(ctx, heard)
	_ = s.conn.Close()
	end := &End{Client: s.place.Client, Pod: s.place.Pod, Replica: s.place.Replica, Opened: s.place.Since, At: time.Now()}
	end.How, end.Code, end.Text = judge(err)
	end.Worked = end.At
	s.mu.Lock()
	if end.Unanswered = len(s.waiting); end.How == Silence {
		end.Worked = s.waiting[0]
	}
	s.mu.Unlock()
	s.client.fleet.ended(s.client, end)
}

var errLeft = errors.New("the client went")

// talk sends messages until the socket ends, and returns what the reader heard then; or until ctx is done.
func (s *socket) talk(ctx context.Context, heard <-chan error) error {
	ticker := time.NewTicker(s.client.fleet.options.Every)
	defer ticker.Stop()
	for {
		s.send()
		select {
		case err := <-heard:
			return err
		case <-ctx.Done():
			return s.leave(heard)
		case <-s.client.again:
			return s.leave(heard)
		case <-ticker.C:
		}
	}
}

// send sends the next number. When it can't, the reader will know more.
func (s *socket) send() {
	s.mu.Lock()
	s.sent++
	number := s.sent
	s.waiting = append(s.waiting, time.Now())
	s.bound()
	s.mu.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.client.fleet.options.Silence))
	_ = s.conn.WriteMessage(websocket.TextMessage, strconv.AppendInt(nil, int64(number), 10))
}

// bound lets the reader wait for the oldest message as long as it may take. The caller holds mu.
func (s *socket) bound() {
	var until time.Time
	if len(s.waiting) > 0 {
		until = s.waiting[0].Add(s.client.fleet.options.Silence)
	}
	_ = s.conn.SetReadDeadline(until) // on a connection that is closed it fails, and nobody needs it
}

// hear reads until the socket ends. The first echo tells that the client is back.
func (s *socket) hear() error {
	for number := 1; ; number++ {
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			return err
		}
		if want := strconv.AppendInt(nil, int64(number), 10); !bytes.Equal(data, want) {
			return fmt.Errorf("%w: %.20q came instead of %s", errEcho, data, want)
		}
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.mu.Unlock()
			return fmt.Errorf("%w: %s came before it was sent", errEcho, data)
		}
		s.waiting = s.waiting[1:]
		s.bound()
		s.mu.Unlock()
		if number == 1 {
			s.client.fleet.returned(s.client, s.place)
		}
	}
}

// leave waits for what was not answered yet, and says goodbye.
func (s *socket) leave(heard <-chan error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		left := len(s.waiting)
		s.mu.Unlock()
		if left == 0 {
			break
		}
		select {
		case err := <-heard:
			return err
		case <-tick.C:
		}
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	_ = s.conn.SetReadDeadline(time.Now().Add(time.Second))
	return fmt.Errorf("%w: %w", errLeft, <-heard)
}
