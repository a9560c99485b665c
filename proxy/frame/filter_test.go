package frame

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

const testToken = 0x68656c6c6f8a8808

func payloadOf(token uint64) []byte { return binary.BigEndian.AppendUint64(nil, token) }

var (
	text       = build(0x81, 7, []byte("text"), &testKey)
	ownPong    = build(0x8a, 7, payloadOf(testToken), nil)
	maskedPong = build(0x8a, 7, payloadOf(testToken), &testKey)
)

var answers = []struct {
	name     string
	stream   []byte
	passed   []byte // nil: all of it
	answered bool
	holding  bool // at the end
}{
	{name: "a Pong from an endpoint", stream: ownPong, passed: []byte{}, answered: true},
	{name: "a Pong from a client", stream: maskedPong, passed: []byte{}, answered: true},
	{name: "between two messages", stream: join(text, maskedPong, text), passed: join(text, text), answered: true},
	{name: "between two fragments", stream: join(build(0x01, 7, []byte("o"), nil), ownPong, build(0x80, 7, []byte("ne"), nil)),
		passed: join(build(0x01, 7, []byte("o"), nil), build(0x80, 7, []byte("ne"), nil)), answered: true},
	{name: "before a Close frame", stream: join(maskedPong, AppendClose(nil, 1001, "bye", &testKey)),
		passed: AppendClose(nil, 1001, "bye", &testKey), answered: true},
	{name: "behind a Close frame", stream: join(AppendClose(nil, 1001, "bye", nil), ownPong)},
	{name: "behind another Pong", stream: join(build(0x8a, 7, payloadOf(testToken-1), nil), ownPong),
		passed: build(0x8a, 7, payloadOf(testToken-1), nil), answered: true},
	{name: "the same once more", stream: join(ownPong, text, ownPong), passed: join(text, ownPong), answered: true},
	{name: "no Pong", stream: join(text, text)},
	{name: "the Pong of an older Ping", stream: join(build(0x8a, 7, payloadOf(testToken^1<<63), &testKey), text)},
	{name: "a Pong that differs in the last byte", stream: build(0x8a, 7, payloadOf(testToken+1), &testKey)},
	{name: "masked with another key than it says", stream: append(slices.Clone(maskedPong[:13]), maskedPong[13]^1)},
	{name: "an unsolicited Pong without payload", stream: join(build(0x8a, 7, nil, nil), text)},
	{name: "a longer Pong", stream: build(0x8a, 7, append(payloadOf(testToken), 0), nil)},
	{name: "a length in more bytes than needed", stream: join(build(0x8a, 16, payloadOf(testToken), nil), build(0x8a, 64, payloadOf(testToken), nil))},
	{name: "a reserved bit", stream: join(build(0xca, 7, payloadOf(testToken), nil), build(0x9a, 7, payloadOf(testToken), nil))},
	{name: "a fragment of a Pong", stream: build(0x0a, 7, payloadOf(testToken), nil)},
	{name: "the Ping itself", stream: AppendPing(nil, testToken, &testKey)},
	{name: "a Pong inside a message", stream: build(0x82, 7, join(ownPong, maskedPong), nil)},
	{name: "a Pong inside a compressed message that is masked so as to hide it", stream: build(0xc2, 16, ownPong, &[4]byte{})},
	{name: "a Pong that never ends", stream: join(text, maskedPong[:13]), passed: text, holding: true},
	{name: "the first byte of a Pong", stream: ownPong[:1], passed: []byte{}, holding: true},
	{name: "behind an impossible length", stream: join([]byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, ownPong)},
}

// TestPongIsTakenOut feeds each stream in three pieces cut anywhere and byte by byte, and compares
// every answer with the oracle's.
func TestPongIsTakenOut(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			if tt.passed == nil {
				tt.passed = tt.stream
			}
			check := func(chunks ...int) {
				c := newComparison(t, tt.stream)
				var passed []byte
				answered := false
				for _, n := range chunks {
					token := uint64(testToken)
					if answered {
						token = 0
					}
					out, ok := c.filter(n, token)
					passed = append(passed, out...)
					answered = answered || ok
				}
				if !bytes.Equal(passed, tt.passed) || answered != tt.answered || c.f.Holding() != tt.holding {
					t.Fatalf("chunks %v: % x passed, answered %v, holding %v", chunks, passed, answered, c.f.Holding())
				}
			}
			size := len(tt.stream)
			for first := range size + 1 {
				for second := range size - first + 1 {
					check(first, second, size-first-second)
				}
			}
			check(slices.Repeat([]int{1}, size)...)
		})
	}
}

// TestPongInAnyPieces cuts a Pong in all of the ways there are.
func TestPongInAnyPieces(t *testing.T) {
	for _, pong := range [][]byte{ownPong, maskedPong} {
		for cuts := range 1 << (len(pong) - 1) {
			var f Follower
			answers, from := 0, 0
			for i := range pong {
				if i+1 < len(pong) && cuts>>i&1 == 0 {
					continue
				}
				out, seen, answered := f.Filter(nil, pong[from:i+1], testToken)
				if len(out) > 0 || seen != (Seen{}) || !f.AtBoundary() || f.Holding() == answered {
					t.Fatalf("cuts %b, bytes %d to %d: % x passed, %+v, answered %v, holding %v", cuts, from, i+1, out, seen, answered, f.Holding())
				}
				if answered {
					answers++
				}
				from = i + 1
			}
			if answers != 1 {
				t.Fatalf("cuts %b: answered %d times", cuts, answers)
			}
		}
	}
}

// The proxy closes while half of a Pong is held back: its Close frame goes out before that half.
func TestCloseWhileHolding(t *testing.T) {
	var f Follower
	out, seen, _ := f.Filter(nil, join(text, maskedPong[:7]), testToken)
	if !bytes.Equal(out, text) || seen != (Seen{Boundary: len(text), Messages: 1}) || !f.Holding() || !f.AtBoundary() {
		t.Fatalf("% x, %+v, holding %v, at a boundary: %v", out, seen, f.Holding(), f.AtBoundary())
	}
	o := readAll(AppendClose(out, 1001, "bye", &testKey))
	if len(o.messages) != 1 || o.closeCode != 1001 {
		t.Errorf("what goes out: %+v", o)
	}
}

// No Pong comes in time: what is held back is passed on even though nothing more has come.
func TestGivenUpWhileHolding(t *testing.T) {
	var f Follower
	f.Filter(nil, maskedPong[:7], testToken)
	out, seen, answered := f.Filter([]byte("before"), nil, 0)
	if want := join([]byte("before"), maskedPong[:7]); !bytes.Equal(out, want) || seen != (Seen{Boundary: 0}) || answered {
		t.Fatalf("% x, %+v, answered %v", out, seen, answered)
	}
	if f.Holding() || f.AtBoundary() {
		t.Fatalf("holding %v, at a boundary: %v", f.Holding(), f.AtBoundary())
	}
	if seen := f.Next(join(maskedPong[7:], text)); seen != (Seen{Boundary: 7 + len(text), Messages: 1}) {
		t.Errorf("behind it: %+v", seen)
	}
}

// The next Ping goes out while half of a late answer to the one before is held back: that half
// is passed on.
func TestNextPingWhileHolding(t *testing.T) {
	var f Follower
	f.Filter(nil, maskedPong[:10], testToken)
	out, _, answered := f.Filter(nil, join(maskedPong[10:], build(0x8a, 7, payloadOf(1), &testKey)), 1)
	if !bytes.Equal(out, maskedPong) || !answered || f.Holding() {
		t.Errorf("% x passed, answered %v, holding %v", out, answered, f.Holding())
	}
}

// A Ping goes out while the stream stands inside a head: of that frame the beginning has been
// passed on, so that the rest must be.
func TestPingInsideAHead(t *testing.T) {
	for cut := 1; cut < len(maskedPong); cut++ {
		var f Follower
		f.Next(maskedPong[:cut])
		out, _, answered := f.Filter(nil, join(maskedPong[cut:], text), testToken)
		if want := join(maskedPong[cut:], text); !bytes.Equal(out, want) || answered {
			t.Errorf("cut at %d: % x passed, answered %v", cut, out, answered)
		}
	}
}

func TestNextDoesNotOvertake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Errorf("no panic")
		}
	}()
	var f Follower
	f.Filter(nil, ownPong[:1], testToken)
	f.Next(ownPong[1:])
}

func TestFilterDoesNotAllocate(t *testing.T) {
	stream := bytes.Repeat(join(text, maskedPong), 10)
	out := make([]byte, 0, 2*len(stream))
	if n := testing.AllocsPerRun(100, func() {
		var f Follower
		for i := range stream {
			f.Filter(out, stream[i:i+1], testToken)
		}
		f.Filter(out, stream, testToken)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// comparison feeds a stream to a follower, and what that passes on to another one, by Next. Both
// must say the same of it, and what is passed on must be what the oracle leaves.
type comparison struct {
	t      *testing.T
	stream []byte
	to     int // how far the stream was fed
	passed int // how far it was passed on or taken out

	f, behind Follower
}

func newComparison(t *testing.T, stream []byte) *comparison {
	return &comparison{t: t, stream: stream}
}

// filter feeds the next n bytes, and returns what Filter did.
func (c *comparison) filter(n int, token uint64) (passed []byte, answered bool) {
	c.t.Helper()
	chunk := c.stream[c.to : c.to+n]
	c.to += n
	want, wantAnswered := c.expect(token)
	out, seen, answered := c.f.Filter([]byte("before"), chunk, token)
	passed = bytes.TrimPrefix(out, []byte("before"))
	if len(passed) != len(out)-6 || !bytes.Equal(passed, want) || answered != wantAnswered || c.f.Holding() != (c.passed < c.to) {
		c.t.Fatalf("up to byte %d of % x: passed % x, answered %v, holding %v; want % x, %v, %v",
			c.to, head(c.stream), head(out), answered, c.f.Holding(), head(want), wantAnswered, c.passed < c.to)
	}
	c.same(seen, want)
	return passed, answered
}

// next feeds the next n bytes by Next.
func (c *comparison) next(n int) {
	c.t.Helper()
	chunk := c.stream[c.to : c.to+n]
	c.to += n
	c.passed = c.to
	c.same(c.f.Next(chunk), chunk)
}

// same compares what the two followers say of what was passed on, and behind it.
func (c *comparison) same(seen Seen, passed []byte) {
	c.t.Helper()
	if want := c.behind.Next(passed); seen != want {
		c.t.Fatalf("up to byte %d of % x: %+v, want %+v", c.to, head(c.stream), seen, want)
	}
	f, b := &c.f, &c.behind
	if f.AtBoundary() != b.AtBoundary() || f.Left() != b.Left() || f.CloseCode() != b.CloseCode() || f.Lost() != b.Lost() {
		c.t.Fatalf("behind byte %d of % x: %+v, want %+v", c.to, head(c.stream), c.f, c.behind)
	}
}

// expect returns what is to be passed on of the stream as far as it was fed: the plainest reading
// of what was not passed on yet, one frame after the other.
func (c *comparison) expect(token uint64) (want []byte, answered bool) {
	stream, from := c.stream[:c.to], c.passed
	c.passed = c.to
	if token == 0 {
		return stream[from:], false
	}
	o := readAll(stream)
	for i, end := range o.boundaries[1:] {
		begin := o.boundaries[i]
		if begin >= from && bytes.Equal(stream[begin:end], pongLike(stream[begin:end], token)) {
			return join(stream[from:begin], stream[end:]), true
		}
	}
	last := o.boundaries[len(o.boundaries)-1]
	if last >= from && o.closeEnd < 0 && !o.lost && bytes.HasPrefix(pongLike(stream[last:], token), stream[last:]) {
		c.passed = last
	}
	return stream[from:c.passed], false
}

// pongLike makes the Pong with a token that is masked as p is.
func pongLike(p []byte, token uint64) []byte {
	if len(p) < 2 || p[1] < 0x80 {
		return build(0x8a, 7, payloadOf(token), nil)
	}
	var key [4]byte
	copy(key[:], p[2:])
	return build(0x8a, 7, payloadOf(token), &key)
}

// FuzzFilter sends Pings now and then while a stream goes by in random chunks, and compares what
// is passed on with the oracle.
func FuzzFilter(f *testing.F) {
	for _, tt := range answers {
		f.Add(tt.stream, uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 5))
		if r.IntN(2) == 0 {
			stream = append(somePongs(r), stream...)
		}
		pingNowAndThen(t, r, stream)
	})
}

// TestPongsInRandomStreams is the fuzz test's part for every run.
func TestPongsInRandomStreams(t *testing.T) {
	answered := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 6))
		answered += pingNowAndThen(t, r, somePongs(r))
	}
	if answered < 2000 {
		t.Errorf("%d Pongs taken out of 2000 streams", answered)
	}
}

// pingNowAndThen goes through a stream as a lane does, and returns how many Pings were answered.
func pingNowAndThen(t *testing.T, r *rand.Rand, stream []byte) (count int) {
	t.Helper()
	c := newComparison(t, stream)
	token := uint64(0)
	for _, n := range someChunks(r, len(stream)) {
		switch r.IntN(8) {
		case 0: // given up
			token = 0
		case 1, 2, 3:
			token = testToken
		case 4:
			token = testToken + 1
		}
		if token == 0 && !c.f.Holding() {
			c.next(n)
		} else if _, answered := c.filter(n, token); answered {
			token = 0
			count++
		}
	}
	return count
}

// somePongs makes a few frames, and among them the answers to Pings and what looks like some.
func somePongs(r *rand.Rand) []byte {
	var out []byte
	for range 1 + r.IntN(5) {
		for range r.IntN(6) {
			out = append(out, answers[r.IntN(3)].stream...)
		}
		if a := answers[r.IntN(len(answers))]; r.IntN(2) == 0 && !a.holding {
			out = append(out, a.stream...)
		}
		out = append(out, build(0x8a, 7, payloadOf(testToken+uint64(r.IntN(2))), nil)...)
		if r.IntN(3) == 0 {
			out = append(out, someFrames(r)...)
		}
	}
	return out
}
