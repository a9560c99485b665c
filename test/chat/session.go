package chat

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// The kinds of Message.
const (
	TypeHello   = "hello"   // the first message of a socket
	TypePeople  = "people"  // somebody came or left
	TypeMessage = "message" // somebody said something
)

const (
	queueLength  = 64               // messages that wait for a slow client
	writeTimeout = 10 * time.Second // one blocked write
	closeTimeout = 5 * time.Second  // between our Close frame and the client's
	maxMessage   = 1 << 20          // bytes
)

// Hello is the first message of every socket: it tells which pod answered, on which address, and who asked.
type Hello struct {
	Type    string `json:"type"`
	Pod     string `json:"pod"`
	Address string `json:"address"`
	Peer    string `json:"peer"`             // where the connection came from: the address of the proxy, if there is one
	Client  string `json:"client,omitempty"` // whom the proxy speaks for: its X-Forwarded-For
}

// Message is what the chat room sends after the Hello. Text and From belong to TypeMessage, People to TypePeople.
type Message struct {
	Type   string `json:"type"`
	From   string `json:"from,omitempty"`
	Text   string `json:"text,omitempty"`
	People int    `json:"people,omitempty"`
}

// Requests come through a proxy under names of its own, so the Origin is not this server's business.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

type frame struct {
	kind int
	data []byte
}

// session is one open socket. Its reader runs in the goroutine of the request, its writer in one of its own:
// all messages pass through out, so that their order is kept and a goodbye comes behind them.
type session struct {
	server *Server
	conn   *websocket.Conn
	name   string
	echo   bool
	out    chan frame
	wrote  chan struct{} // closed when the writer has ended: nobody empties out any more
	done   chan struct{} // closed when the reader has ended
}

var guests atomic.Int64

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, http.Header{HeaderPod: {s.options.Pod}})
	if err != nil {
		return // Upgrade has answered
	}
	defer func() { _ = conn.Close() }()
	conn.SetReadLimit(maxMessage)
	one := &session{
		server: s,
		conn:   conn,
		name:   r.URL.Query().Get("name"),
		echo:   r.URL.Query().Get("mode") == "echo",
		out:    make(chan frame, queueLength),
		wrote:  make(chan struct{}),
		done:   make(chan struct{}),
	}
	if one.name == "" {
		one.name = fmt.Sprintf("guest %d", guests.Add(1))
	}
	hello := Hello{Type: TypeHello, Pod: s.options.Pod, Address: s.listener.Addr().String(), Client: r.Header.Get("X-Forwarded-For")}
	if hello.Peer, _, err = net.SplitHostPort(r.RemoteAddr); err != nil {
		return // net/http never hands over anything else
	}
	one.say(hello)
	if !s.add(one) {
		return
	}
	go one.write()
	s.announce(one)
	one.read()
	close(one.done)
	<-one.wrote
	s.remove(one)
	s.announce(one)
}

// announce tells the room how many are in it, when one of them came or left.
func (s *Server) announce(one *session) {
	if !one.echo {
		s.broadcast(Message{Type: TypePeople, People: len(s.room())})
	}
}

func (s *Server) broadcast(m Message) {
	for _, one := range s.room() {
		one.say(m)
	}
}

// say queues a message of the room. A client that is too slow to hear is cut: the room waits for nobody.
func (one *session) say(m any) {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // Hello and Message hold nothing that JSON refuses
	}
	select {
	case one.out <- frame{websocket.TextMessage, data}:
	default:
		one.cut(false)
	}
}

func (one *session) read() {
	for {
		kind, data, err := one.conn.ReadMessage()
		if err != nil {
			return
		}
		if !one.echo {
			one.server.broadcast(Message{Type: TypeMessage, From: one.name, Text: string(data)})
			continue
		}
		select {
		case one.out <- frame{kind, data}: // a full queue holds the reader back, and TCP the client
		case <-one.wrote:
			// Behind our Close frame no message may follow (RFC 6455 section 5.5.1); read on for the client's.
		}
	}
}

func (one *session) write() {
	defer close(one.wrote)
	for {
		select {
		case f := <-one.out:
			if !one.put(f) {
				return
			}
		case <-one.server.leave:
			one.goodbye()
			return
		case <-one.done:
			return
		}
	}
}

func (one *session) put(f frame) bool {
	_ = one.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := one.conn.WriteMessage(f.kind, f.data); err != nil {
		_ = one.conn.Close() // wakes the reader
		return false
	}
	return true
}

// goodbye sends what is queued, then the Close frame, and gives the client a while to answer.
func (one *session) goodbye() {
	for len(one.out) > 0 {
		if !one.put(<-one.out) {
			return
		}
	}
	text := websocket.FormatCloseMessage(one.server.options.CloseCode, one.server.options.Pod+" is stopping")
	deadline := time.Now().Add(closeTimeout)
	if err := one.conn.WriteControl(websocket.CloseMessage, text, deadline); err != nil {
		_ = one.conn.Close()
		return
	}
	_ = one.conn.SetReadDeadline(deadline)
}

// cut ends the connection; with reset, by a TCP RST.
func (one *session) cut(reset bool) {
	if tcp, ok := one.conn.NetConn().(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = one.conn.Close()
}
