package handshake

import (
	"fmt"
	"strings"
	"testing"
)

// browser is the opening request of a browser behind nothing, to a page with a login.
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
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" +
	"Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n\r\n"

// swapped returns raw with one piece replaced, which must be there.
func swapped(t testing.TB, raw, old, replacement string) []byte {
	t.Helper()
	if !strings.Contains(raw, old) {
		t.Fatalf("%q has no %q", raw, old)
	}
	return []byte(strings.Replace(raw, old, replacement, 1))
}

// behind is the opening with lines added.
func behind(t testing.TB, lines string) []byte {
	return swapped(t, opening, "Upgrade: websocket\r\n", "Upgrade: websocket\r\n"+lines)
}

func TestAnOrdinaryOpeningIsReadAsNetHTTPDoes(t *testing.T) {
	o := newOracle(t)
	first, lines, _ := strings.Cut(browser, "Host")
	lines = "Host" + lines
	for name, p := range map[string][]byte{
		"a browser":                   []byte(browser),
		"a library":                   []byte(opening),
		"frames behind it":            []byte(browser + "\x81\x85abcdefghi\r\n\r\nGET"),
		"names in lower case":         []byte(first + strings.ToLower(lines)),
		"names in capitals":           swapped(t, opening, "Upgrade: w", "UPGRADE: w"),
		"names of no standard":        behind(t, "x-my-OWN-1: 1\r\nX_y.z!: 2\r\n-: 3\r\n"),
		"a header in several lines":   behind(t, "Cookie: a=b\r\nX-A: 1\r\ncookie: c=d\r\nCOOKIE: e=f\r\n"),
		"keys twice, for Check":       behind(t, "Sec-WebSocket-Key: x\r\n"),
		"Connection in several lines": behind(t, "Connection: x-mine\r\n"),
		"no blanks, many blanks":      behind(t, "X-A:1\r\nX-B: \t 2 \t\r\nX-C:\r\nX-D: \r\n"),
		"letters beyond ASCII":        behind(t, "X-Name: J\xc3\xb6rg, J\xf6rg\r\n"),
		"a colon in the value":        behind(t, "X-A: b: c:d\r\n"),
		"the root":                    swapped(t, opening, "/chat", "/"),
		"an escaped path":             swapped(t, opening, "/chat", "/a%2Fb/%20c/%C3%B6"),
		"a path to be escaped":        swapped(t, opening, "/chat", "/{a}|b\"^`'(c)!*;,+$&#x"),
		"letters beyond ASCII there":  swapped(t, opening, "/chat", "/\xc3\xb6?\xc3\xb6"),
		"a path like a host":          swapped(t, opening, "/chat", "//chat.example.com:80/x"),
		"dots":                        swapped(t, opening, "/chat", "/a/../b/./c"),
		"an empty query":              swapped(t, opening, "/chat", "/chat?"),
		"two question marks":          swapped(t, opening, "/chat", "/chat??"),
		"a URL in the query":          swapped(t, opening, "/chat", "/chat?to=https://a.example/?b#c&d=%zz"),
		"a host with port":            swapped(t, opening, "chat.example.com", "[2001:db8::1]:8080"),
	} {
		t.Run(name, func(t *testing.T) {
			if !checkRequest(t, o, p) {
				t.Errorf("left to net/http: %q", p)
			}
		})
	}
}

func TestWhatIsNotOrdinaryIsLeftToNetHTTP(t *testing.T) {
	for name, p := range map[string][]byte{
		"nothing":                    {},
		"a page":                     []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		"TLS":                        []byte("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"),
		"another method":             swapped(t, opening, "GET", "POST"),
		"a method in lower case":     swapped(t, opening, "GET", "get"),
		"a line break in front":      []byte("\r\n" + opening),
		"two blanks":                 swapped(t, opening, "GET ", "GET  "),
		"a blank in the path":        swapped(t, opening, "/chat", "/ch at"),
		"a tab in the path":          swapped(t, opening, "/chat", "/ch\tat"),
		"a tab in the query":         swapped(t, opening, "/chat", "/chat?\t"),
		"a broken escape":            swapped(t, opening, "/chat", "/%zz"),
		"an absolute form":           swapped(t, opening, "/chat", "http://chat.example.com/chat"),
		"an asterisk":                swapped(t, opening, "/chat", "*"),
		"no path":                    swapped(t, opening, "/chat ", ""),
		"HTTP/1.0":                   swapped(t, opening, "HTTP/1.1", "HTTP/1.0"),
		"HTTP/1.10":                  swapped(t, opening, "HTTP/1.1", "HTTP/1.10"),
		"a blank behind the version": swapped(t, opening, "HTTP/1.1", "HTTP/1.1 "),
		"HTTP/2":                     []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		"bare line feeds":            []byte(strings.ReplaceAll(opening, "\r\n", "\n")),
		"one bare line feed":         swapped(t, opening, "websocket\r\n", "websocket\n"),
		"one at the end":             []byte(opening[:len(opening)-2] + "\n"),
		"a bare carriage return":     behind(t, "X-A: b\rc\r\n"),
		"two carriage returns":       behind(t, "X-A: b\r\r\n"),
		"a folded line":              behind(t, "X-A: b\r\n c\r\n"),
		"a first line folded":        swapped(t, opening, "\r\nHost", "\r\n Host"),
		"a blank before the colon":   behind(t, "X-A : b\r\n"),
		"no colon":                   behind(t, "X-A\r\n"),
		"no name":                    behind(t, ": b\r\n"),
		"a name that is no token":    behind(t, "X(A): b\r\n"),
		"a name beyond ASCII":        behind(t, "X-\xc3\xb6: b\r\n"),
		"a zero in a value":          behind(t, "X-A: b\x00c\r\n"),
		"a control character":        behind(t, "X-A: b\x7f\r\n"),
		"no host":                    swapped(t, opening, "Host: chat.example.com\r\n", ""),
		"an empty host":              swapped(t, opening, "chat.example.com", ""),
		"two hosts":                  behind(t, "host: chat.example.com\r\n"),
		"a host that is none":        swapped(t, opening, "chat.example.com", "chat/example"),
		"no upgrade":                 swapped(t, opening, "Upgrade: websocket\r\n", ""),
		"another upgrade":            swapped(t, opening, "Upgrade: websocket", "Upgrade: h2c"),
		"two upgrades":               swapped(t, opening, "Upgrade: websocket", "Upgrade: websocket, h2c"),
		"two lines of upgrade":       behind(t, "Upgrade: websocket\r\n"),
		"no connection":              swapped(t, opening, "Connection: keep-alive, Upgrade\r\n", ""),
		"a connection of another":    swapped(t, opening, "Connection: keep-alive, Upgrade", "Connection: keep-alive"),
		"a connection that closes":   swapped(t, opening, "Connection: keep-alive", "Connection: Close"),
		"a length":                   behind(t, "Content-Length: 0\r\n"),
		"a length in lower case":     behind(t, "content-length: 3\r\n"),
		"chunks":                     behind(t, "Transfer-Encoding: chunked\r\n"),
		"an expectation":             behind(t, "Expect: 100-continue\r\n"),
		"trailers":                   behind(t, "Trailer: X-Sum\r\n"),
		"Pragma alone":               behind(t, "Pragma: no-cache\r\n"),
		"a large head":               behind(t, "Cookie: "+strings.Repeat("x", maxSize)+"\r\n"),
		"many lines":                 behind(t, strings.Repeat("X-A: b\r\n", maxLines)),
	} {
		t.Run(name, func(t *testing.T) {
			if r, size := ReadRequest(p); r != nil || size != 0 {
				t.Errorf("read %q as %+v", p, r)
			}
		})
	}
	for end := range len(browser) {
		if r, size := ReadRequest([]byte(browser[:end])); r != nil || size != 0 {
			t.Errorf("the first %d bytes were taken for a whole head", end)
		}
	}
}

func TestAHeadWithinTheBoundsIsRead(t *testing.T) {
	o := newOracle(t)
	lines := strings.Count(opening, "\r\n") - 2
	large := behind(t, "Cookie: "+strings.Repeat("x", maxSize-len(opening)-len("Cookie: \r\n"))+"\r\n")
	for name, p := range map[string][]byte{
		"large":      large,
		"many lines": behind(t, strings.Repeat("X-A: b\r\n", maxLines-lines)),
	} {
		if !checkRequest(t, o, append(p, large...)) {
			t.Errorf("%s: %d bytes were left to net/http", name, len(p))
		}
	}
}

// The buffer is used again for the next connection, while the request lives on.
func TestNothingOfTheBufferIsKept(t *testing.T) {
	p := []byte(browser)
	r, size := ReadRequest(p)
	a := []byte(good101)
	answer, _, _ := ReadSwitch(a)
	if r == nil || answer == nil {
		t.Fatal("left to net/http")
	}
	before := fmt.Sprint(r, r.URL, answer)
	clear(p)
	clear(a)
	if after := fmt.Sprint(r, r.URL, answer); before != after || size != len(browser) {
		t.Errorf("became %s\nwas %s", after, before)
	}
	r.Header["Origin"] = append(r.Header["Origin"], "more")
	for name, values := range r.Header {
		if len(values) != 1 && name != "Origin" {
			t.Errorf("%s grew with Origin: %q", name, values)
		}
	}
}

func TestAnOrdinary101IsReadAsNetHTTPDoes(t *testing.T) {
	for name, p := range map[string][]byte{
		"a good one":       []byte(good101),
		"frames behind it": []byte(good101 + "\x81\x05hello\r\n\r\n"),
		"other words":      swapped(t, good101, "Switching Protocols", "Web Socket Protocol Handshake"),
		"no words":         swapped(t, good101, " Switching Protocols", ""),
		"a blank, no word": swapped(t, good101, "Switching Protocols", ""),
		"node":             []byte(strings.ToLower(good101)),
		"another protocol": swapped(t, good101, "Upgrade: websocket", "Upgrade: spdy/3.1"),
		"cookies":          swapped(t, good101, "Upgrade: w", "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nUpgrade: w"),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "node" {
				p = append([]byte("HTTP/1.1"), p[len("HTTP/1.1"):]...)
			}
			if accepted, more := checkSwitch(t, p); !accepted {
				t.Errorf("left to net/http, more %t: %q", more, p)
			}
		})
	}
}

func TestHalfA101IsToBeContinued(t *testing.T) {
	for end := range len(good101) {
		if accepted, more := checkSwitch(t, []byte(good101[:end])); accepted || !more {
			t.Errorf("the first %d bytes: accepted %t, more %t", end, accepted, more)
		}
	}
}

func TestAnswersThatAreNotOrdinaryAreLeftToNetHTTP(t *testing.T) {
	for name, p := range map[string][]byte{
		"a refusal":                []byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
		"the beginning of one":     []byte("HTTP/1.1 4"),
		"an interim answer":        []byte("HTTP/1.1 103 Early Hints\r\n\r\n" + good101),
		"another status":           swapped(t, good101, "101", "1010"),
		"HTTP/1.0":                 swapped(t, good101, "HTTP/1.1", "HTTP/1.0"),
		"another language":         []byte("SSH-2.0-OpenSSH_9.9\r\n"),
		"two blanks":               swapped(t, good101, " 101", "  101"),
		"bare line feeds":          []byte(strings.ReplaceAll(good101, "\r\n", "\n")),
		"one, and more to come":    []byte("HTTP/1.1 101 x\nUpgrade"),
		"a length":                 swapped(t, good101, "Upgrade: w", "Content-Length: 0\r\nUpgrade: w"),
		"chunks":                   swapped(t, good101, "Upgrade: w", "Transfer-Encoding: chunked\r\nUpgrade: w"),
		"a connection that closes": swapped(t, good101, "Connection: Upgrade", "Connection: Upgrade, close"),
		"no connection":            swapped(t, good101, "Connection: Upgrade\r\n", ""),
		"a folded line":            swapped(t, good101, "Upgrade: w", "Upgrade:\r\n w"),
		"a blank before the colon": swapped(t, good101, "Upgrade: w", "Upgrade : w"),
		"a head without end":       []byte("HTTP/1.1 101 " + strings.Repeat("x", maxSize)),
	} {
		t.Run(name, func(t *testing.T) {
			if answer, size, more := ReadSwitch(p); answer != nil || size != 0 || more {
				t.Errorf("read %q as %+v, more %t", p, answer, more)
			}
		})
	}
}
