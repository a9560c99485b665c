package backend

import (
	"bufio"
	"bytes"
	"net/http"
	"net/netip"
	"testing"

	"github.com/fairlead/fairlead/proxy/handshake"
)

// browser is the opening request of a browser, to a page with a login.
const browser = "GET /chat/rooms/42?token=eyJhbGciOiJIUzI1NiJ9.e30.x-Y_z&v=2 HTTP/1.1\r\n" +
	"Host: chat.example.com:8080\r\n" +
	"Connection: Upgrade\r\n" +
	"Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\n" +
	"Origin: https://chat.example.com\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7\r\n" +
	"Cookie: _ga=GA1.2.1234567890.1700000000; session=s%3AkT7mYqW1x8Vb2; csrftoken=6fX0oQ2zY8; theme=dark\r\n" +
	"Sec-WebSocket-Key: " + exampleKey + "\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// heads is a way to read what the two ends of a handshake say.
type heads struct {
	name    string
	request func(p []byte) (*http.Request, error)
	answer  func(p []byte) (*http.Response, error)
}

// BenchmarkHandshakeHeads does all that a handshake costs apart from calls to the kernel: both heads
// are read, judged and written. netHTTP reads them with net/http's parsers, which is not yet what its
// server costs.
func BenchmarkHandshakeHeads(b *testing.B) {
	buffered := bufio.NewReader(nil)
	for _, way := range []heads{
		{
			name:    "own",
			request: func(p []byte) (*http.Request, error) { r, _ := handshake.ReadRequest(p); return r, nil },
			answer:  func(p []byte) (*http.Response, error) { a, _, _ := handshake.ReadSwitch(p); return a, nil },
		},
		{
			name: "netHTTP",
			request: func(p []byte) (*http.Request, error) {
				buffered.Reset(bytes.NewReader(p))
				return http.ReadRequest(buffered)
			},
			answer: func(p []byte) (*http.Response, error) {
				buffered.Reset(bytes.NewReader(p))
				return http.ReadResponse(buffered, nil)
			},
		},
	} {
		b.Run(way.name, func(b *testing.B) { benchmarkHeads(b, way) })
	}
}

func benchmarkHeads(b *testing.B, way heads) {
	forwarding := &handshake.Forwarding{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Server: "fairlead-0"}
	opening, switched := []byte(browser), []byte(good101)
	buffer := make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		r, err := way.request(opening)
		if r == nil || err != nil {
			b.Fatal(err)
		}
		r.RemoteAddr = "192.0.2.1:47110"
		client, upgrade := forwarding.Client(r), handshake.Upgrade(r)
		if refusal := handshake.Check(r); refusal != nil {
			b.Fatal(refusal)
		}
		request := &Request{
			Method: r.Method, URI: r.RequestURI, Host: r.Host,
			Header: forwarding.Fields(r, client), Upgrade: upgrade, Key: r.Header.Get("Sec-WebSocket-Key"),
		}
		if _, failure := request.AppendHead(buffer[:0]); failure != nil {
			b.Fatal(failure)
		}
		answer, err := way.answer(switched)
		if answer == nil || err != nil {
			b.Fatal(err)
		}
		if refusal := handshake.CheckAnswer(answer, request.Upgrade, request.Key); refusal != nil {
			b.Fatal(refusal)
		}
		_ = handshake.AppendSwitch(buffer[:0], answer, nil)
	}
}
