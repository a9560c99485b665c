package handshake

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Whatever net/http accepts as a request: a good opening meets every demand of RFC 6455 section
// 4.2.1, and what goes to the endpoint holds nothing of the client's hop.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(opening))
	f.Add([]byte(strings.Replace(opening, "13", "8", 1)))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, x_y\r\nUpgrade: h2c, tcp\r\nX_Forwarded-For: 1.2.3.4\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.0\r\nConnection: upgrade,,Host\r\nUpgrade: websocket/13\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		r.RemoteAddr = "192.0.2.1:4711"
		upgrade := Upgrade(r)
		if strings.Contains(upgrade, "h2c") && isHTTP(upgrade) || strings.ContainsAny(upgrade, " ,\r\n") {
			t.Errorf("upgrade to %q", upgrade)
		}
		if Check(r) == nil {
			key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
			if r.Method != http.MethodGet || r.Host == "" || r.ContentLength != 0 || upgrade != WebSocket ||
				!r.ProtoAtLeast(1, 1) || err != nil || len(key) != 16 || r.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Errorf("admitted %q", raw)
			}
		}
		header := forwarded(inner, r)
		for name, values := range header {
			if hopByHop(name) && header.Get(name) != "trailers" {
				t.Errorf("%s: %q went on", name, values)
			}
		}
		if got := header["X-Forwarded-For"]; len(got) != 1 || got[0] != "192.0.2.1" {
			t.Errorf("X-Forwarded-For: %q", got)
		}
	})
}

// The address found is that of a plain reading: all entries in a row, from the right.
func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "198.51.100.7", "10.1.1.1, [fd00::1]:80")
	f.Add("[::ffff:10.0.0.1]:1", "unknown,,", " ,2001:db8::1")
	f.Add("192.0.2.1:1", "10.0.0.1", "fe80::1%eth0")
	f.Fuzz(func(t *testing.T, from, first, second string) {
		r := &http.Request{RemoteAddr: from, Header: http.Header{"X-Forwarded-For": {first, second}}}
		want, _ := parseAddress(from)
		entries := strings.Split(first+","+second, ",")
		for len(entries) > 0 && inner.trusts(want) {
			entry := strings.Trim(entries[len(entries)-1], " \t")
			entries = entries[:len(entries)-1]
			if entry == "" {
				continue
			}
			next, ok := parseAddress(entry)
			if !ok {
				break
			}
			want = next
		}
		got := inner.Client(r).Address
		if got != want {
			t.Errorf("ClientAddress = %v, want %v", got, want)
		}
		if got.Zone() != "" || got.Is4In6() || (!got.IsValid() && got != netip.Addr{}) {
			t.Errorf("not normal: %v", got)
		}
	})
}

// Whatever ReadRequest takes, net/http's server takes too and reads in the same way. Most of the
// opening stands, so that more of the attempts are taken.
func FuzzReadRequest(f *testing.F) {
	f.Add("/chat", "", "")
	f.Add("/a%2Fb?c=%zz#d", "Cookie: a\r\n", "\x81\x85abcdefghi")
	f.Add("//a:80/?", "x-a:\t1 \r\nX-A: 2\r\nPragma: no-cache\r\nCache-control:\r\n", "\r\n\r\n")
	f.Add("/\xc3\xb6", " b\r\nContent-Length: 0\r\nX Y: z\r\n\r\n", "GET / HTTP/1.1\r\n")
	f.Add("/ HTTP/1.1\r\nHost: b", "Connection: close\nExpect: 100-continue\r\n", "")
	o := newOracle(f)
	_, fixed, _ := strings.Cut(opening, "\r\n")
	f.Fuzz(func(t *testing.T, uri, lines, rest string) {
		checkRequest(t, o, []byte("GET "+uri+" HTTP/1.1\r\n"+lines+fixed+rest))
	})
}

// Whatever ReadSwitch takes, net/http takes too and reads in the same way; and what it wants more
// of, net/http does too.
func FuzzReadSwitch(f *testing.F) {
	for _, seed := range []string{
		good101, good101[:30], good101 + "\x81\x05hello", "HTTP/1.1 103 x\r\n\r\n" + good101,
		strings.Replace(good101, "Switching Protocols", "\tx", 1),
		strings.Replace(good101, "\r\nUpgrade", "\r\nPragma: no-cache\r\nx-a:\t1 \r\nX-A: 2\r\nUpgrade", 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) { checkSwitch(t, p) })
}

// A header line is the one that net/http writes, but for the spelling of WebSocket names.
func FuzzAppendField(f *testing.F) {
	f.Add("Cookie", "a=b")
	f.Add("X-Split", " a\r\nX-Forged: 1\n")
	f.Add("Sec-Websocket-Key", "")
	f.Add("X Y", "\t\xff\x00 ")
	f.Fuzz(func(t *testing.T, name, value string) {
		var want strings.Builder
		if err := (http.Header{name: {value}}).Write(&want); err != nil {
			t.Fatal(err)
		}
		line := want.String()
		if rest, ok := strings.CutPrefix(line, keptPrefix); ok {
			line = rfcPrefix + rest
		}
		if got := string(AppendField([]byte("in front"), name, value)); got != "in front"+line {
			t.Errorf("appended %q, want %q", got, line)
		}
	})
}
