package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/fairlead/fairlead/proxy/frame"
)

// Whatever follows a 101 is read to an end, and what is taken for frames the follower takes for
// frames too.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x81\x05hello\x89\x00\x88\x02\x03\xe8"), false)
	f.Add([]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"), false)
	f.Add(frame.AppendClose(nil, 1001, "away", nil), true)
	f.Add([]byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, false)
	f.Fuzz(func(t *testing.T, p []byte, extensions bool) {
		in := bufio.NewReader(bytes.NewReader(p))
		messages, follower := 0, new(frame.Follower)
		for {
			r := readFrame(in, extensions)
			if r.err != nil {
				if !errors.Is(r.err, io.EOF) && !errors.Is(r.err, io.ErrUnexpectedEOF) && !errors.Is(r.err, errNoFrame) {
					t.Fatalf("ends with %v", r.err)
				}
				break
			}
			if text := r.describe(); strings.ContainsFunc(text, unicode.IsControl) {
				t.Fatalf("%q has control characters", text)
			}
			if r.op == opClose {
				return // what follows is not looked at
			}
			if r.final && r.op <= opBinary {
				messages++
			}
		}
		if seen := follower.Next(p); seen.Messages < messages {
			t.Errorf("%d messages, the follower sees %d", messages, seen.Messages)
		}
	})
}

// Whatever is answered has an end, and is shown without what could play tricks with a terminal.
func FuzzHeads(f *testing.F) {
	f.Add([]byte("HTTP/1.1 404 Not Found\r\nServer: nginx\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200\n\n"))
	f.Add([]byte("SSH-2.0-x\r\n"))
	f.Add([]byte{21, 3, 3, 0, 2, 2, 112})
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		head, err := readHead(bufio.NewReader(bytes.NewReader(p)))
		if !bytes.HasPrefix(p, head) || len(head) > mostHead+4096 {
			t.Fatalf("%q of %q", head, p)
		}
		trial := &trial{o: new(Options), report: new(Attempt)}
		if err != nil {
			if f, saw := trial.noAnswer(head, err); f == "" || f == Works || strings.ContainsFunc(saw, unicode.IsControl) {
				t.Errorf("%s, %q", f, saw)
			}
		}
		if strings.ContainsFunc(strings.ReplaceAll(text(p), "\n", ""), unicode.IsControl) {
			t.Errorf("%q", text(p))
		}
	})
}
