package frame

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// build makes a frame with exactly these header bits; size is the length's form: 7, 16 or 64 bits.
func build(first byte, size int, payload []byte, key *[4]byte) []byte {
	out := []byte{first}
	switch size {
	case 7:
		out = append(out, byte(len(payload)))
	case 16:
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(len(payload)))
	case 64:
		out = binary.BigEndian.AppendUint64(append(out, 127), uint64(len(payload)))
	}
	if key != nil {
		out[1] |= 0x80
		out = append(out, key[:]...)
		masked := bytes.Clone(payload)
		for i := range masked {
			masked[i] ^= key[i%4]
		}
		payload = masked
	}
	return append(out, payload...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

var testKey = [4]byte{0xa1, 0x02, 0xf3, 0x54}

var streams = []struct {
	name     string
	stream   []byte
	messages int
	code     int
	lost     bool
	boundary bool // stands at one at the end
}{
	{name: "nothing", boundary: true},
	{name: "an empty text", stream: build(0x81, 7, nil, nil), messages: 1, boundary: true},
	{name: "a masked text", stream: build(0x81, 7, []byte("hello"), &testKey), messages: 1, boundary: true},
	{name: "a binary of 16 bits length", stream: build(0x82, 16, make([]byte, 70000%65536), &testKey), messages: 1, boundary: true},
	{name: "a binary of 64 bits length", stream: build(0x82, 64, make([]byte, 70000), nil), messages: 1, boundary: true},
	{name: "a length longer than needed", stream: build(0x82, 64, []byte("x"), nil), messages: 1, boundary: true},
	{name: "fragments with a ping between", stream: join(
		build(0x01, 7, []byte("one"), nil), build(0x89, 7, []byte("ping"), nil),
		build(0x00, 7, []byte("two"), nil), build(0x80, 7, []byte("three"), nil)), messages: 1, boundary: true},
	{name: "a fragment that waits for more", stream: build(0x01, 7, []byte("one"), nil), boundary: true},
	{name: "compressed (RSV1)", stream: build(0xc1, 7, []byte("zip"), &testKey), messages: 1, boundary: true},
	{name: "an unknown opcode", stream: build(0x83, 7, []byte("?"), nil), boundary: true},
	{name: "pong alone", stream: build(0x8a, 7, nil, &testKey), boundary: true},
	{name: "close with code", stream: AppendClose(nil, 1001, "bye", nil), code: 1001},
	{name: "masked close with code", stream: AppendClose(nil, 4321, "bye", &testKey), code: 4321},
	{name: "close without body", stream: AppendClose(nil, 0, "", &testKey), code: NoStatus},
	{name: "close with half a code", stream: build(0x88, 7, []byte{3}, &testKey), code: NoStatus},
	{name: "close, 16 bits of length", stream: build(0x88, 16, []byte("\x03\xe9bye"), &testKey), code: 1001},
	{name: "close with nothing in 64 bits of length", stream: build(0x88, 64, nil, &testKey), code: NoStatus},
	{name: "close behind a message", stream: join(build(0x81, 7, []byte("x"), nil), AppendClose(nil, 1000, "", nil)), messages: 1, code: 1000},
	{name: "messages behind a close are none", stream: join(AppendClose(nil, 1000, "", nil), build(0x81, 7, []byte("x"), nil)), code: 1000},
	{name: "half a head", stream: []byte{0x82, 0xff, 0, 0}},
	{name: "half a payload", stream: []byte{0x82, 5, 1, 2, 3}},
	{name: "a close that lacks its code", stream: []byte{0x88, 2, 3}},
	{name: "highest bit of a length", stream: join(build(0x81, 7, []byte("x"), nil), []byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}), messages: 1, lost: true},
}

// TestStreams feeds each stream whole, byte by byte and in two halves cut anywhere, and compares
// every answer with the oracle's.
func TestStreams(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			check := func(chunks ...int) {
				f, messages := follow(t, tt.stream, chunks)
				if messages != tt.messages || f.CloseCode() != tt.code || f.Lost() != tt.lost || f.AtBoundary() != tt.boundary {
					t.Fatalf("chunks %v: %d messages, code %d, lost %v, boundary %v", chunks, messages, f.CloseCode(), f.Lost(), f.AtBoundary())
				}
			}
			check(len(tt.stream))
			for cut := 0; cut <= min(len(tt.stream), 40); cut++ {
				check(cut, len(tt.stream)-cut)
			}
			ones := make([]int, len(tt.stream))
			for i := range ones {
				ones[i] = 1
			}
			check(ones...)
		})
	}
}

// follow feeds a stream in chunks of the given sizes and compares each answer with the oracle's.
func follow(t *testing.T, stream []byte, chunks []int) (Follower, int) {
	t.Helper()
	var f Follower
	o := readAll(stream)
	messages, from := 0, 0
	for _, n := range chunks {
		to := from + n
		wasLost := f.Lost()
		got, want := f.Next(stream[from:to]), o.expect(from, to)
		if wasLost {
			want = Seen{Boundary: -1}
		}
		if from == to && !f.AtBoundary() {
			want.Boundary = -1
		}
		if got != want {
			t.Fatalf("chunk %d to %d of % x: got %+v, want %+v", from, to, head(stream), got, want)
		}
		if got, want := f.Left(), o.left(to); got != want {
			t.Fatalf("%d bytes left behind byte %d of % x, want %d", got, to, head(stream), want)
		}
		messages += got.Messages
		from = to
	}
	if from == len(stream) {
		last := o.boundaries[len(o.boundaries)-1]
		if want := last == from && o.closeEnd < 0 && !o.lost; f.AtBoundary() != want {
			t.Fatalf("at a boundary behind % x: %v, want %v", head(stream), f.AtBoundary(), want)
		}
		if f.CloseCode() != o.closeCode || f.Lost() != o.lost {
			t.Fatalf("code %d, lost %v behind % x; want %d, %v", f.CloseCode(), f.Lost(), head(stream), o.closeCode, o.lost)
		}
	}
	return f, messages
}

func head(b []byte) []byte { return b[:min(len(b), 64)] }

func TestFollowerIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Follower{}); size > 32 {
		t.Errorf("a Follower takes %d bytes, want at most 32", size)
	}
}

func TestFollowerDoesNotAllocate(t *testing.T) {
	stream := bytes.Repeat(build(0x82, 16, make([]byte, 300), &testKey), 10)
	if n := testing.AllocsPerRun(100, func() {
		var f Follower
		for chunk := range bytes.Lines(stream) {
			f.Next(chunk)
		}
		f.Next(stream)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzFollower compares the follower, fed in random chunks, with the oracle. The seed makes
// streams that look like frames; raw ones are tried as they are.
func FuzzFollower(f *testing.F) {
	for _, tt := range streams {
		f.Add(head(tt.stream), uint64(1), false) // long seeds keep the fuzzer busy with shortening
	}
	f.Add([]byte{}, uint64(7), true)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, generate bool) {
		r := rand.New(rand.NewPCG(seed, 1))
		if generate {
			stream = append(someFrames(r), stream...)
		}
		follow(t, stream, someChunks(r, len(stream)))
	})
}

// TestRandomStreams is the fuzz test's part for every run.
func TestRandomStreams(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		stream := someFrames(r)
		stream = stream[:len(stream)-r.IntN(len(stream)/4+1)]
		follow(t, stream, someChunks(r, len(stream)))
	}
}

// someChunks cuts a stream of this length anywhere, into long pieces and short ones.
func someChunks(r *rand.Rand, length int) []int {
	var chunks []int
	for left := length; left > 0; {
		n := min(left, r.IntN(1<<r.IntN(12)))
		chunks = append(chunks, n)
		left -= n
	}
	return chunks
}

// someFrames makes up to 20 frames of all kinds, Close frames seldom and impossible lengths more
// seldom.
func someFrames(r *rand.Rand) []byte {
	var out []byte
	for range 1 + r.IntN(20) {
		first := byte(r.Uint32())
		if first&0x0f == 8 && r.IntN(4) > 0 {
			first &= 0xf0
		}
		size := []int{7, 7, 7, 16, 64}[r.IntN(5)]
		limit := map[int]int{7: 126, 16: 1000, 64: 3000}[size]
		payload := make([]byte, r.IntN(limit))
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		var key *[4]byte
		if r.IntN(2) == 0 {
			key = &[4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
		}
		out = append(out, build(first, size, payload, key)...)
		if r.IntN(200) == 0 {
			out = append(out, 0x82, 127, 0x80|byte(r.Uint32()), 0, 0, 0, 0, 0, 0, 0)
		}
	}
	return out
}

func BenchmarkFollower(b *testing.B) {
	small := bytes.Repeat(build(0x81, 7, make([]byte, 26), &testKey), 1024)  // 32 KiB of messages of 32 bytes
	chat := bytes.Repeat(build(0x81, 7, make([]byte, 126-4), &testKey), 128) // 16 KiB of messages of 128 bytes
	big := build(0x82, 64, make([]byte, 1<<20), nil)
	for _, bb := range []struct {
		name  string
		chunk []byte
	}{
		{"one message of 32 bytes", small[:32]},
		{"1024 messages in 32 KiB", small},
		{"128 messages in 16 KiB", chat},
		{"one message of 1 MiB", big},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var f Follower
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.chunk)))
			for b.Loop() {
				f.Next(bb.chunk)
			}
		})
	}
	b.Run("inside a big payload", func(b *testing.B) {
		f := Follower{left: 1 << 62}
		chunk := make([]byte, 32<<10)
		b.ReportAllocs()
		for b.Loop() {
			f.Next(chunk)
		}
	})
}

// BenchmarkFilter is BenchmarkFollower while a Ping is unanswered.
func BenchmarkFilter(b *testing.B) {
	chat := bytes.Repeat(build(0x81, 7, make([]byte, 126-4), &testKey), 128)
	big := build(0x82, 64, make([]byte, 16<<10), nil)
	for _, bb := range []struct {
		name  string
		chunk []byte
	}{
		{"one message of 128 bytes", chat[:128]},
		{"128 messages in 16 KiB", chat},
		{"one message of 16 KiB", big},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var f Follower
			out := make([]byte, 0, 32<<10)
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.chunk)))
			for b.Loop() {
				out, _, _ = f.Filter(out[:0], bb.chunk, 1)
			}
		})
	}
}
