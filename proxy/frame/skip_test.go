package frame

import (
	"math/rand/v2"
	"testing"
)

// TestSkipIsNextUnseen skips every part of every stream's payloads, and compares the follower
// with one that was shown the same bytes.
func TestSkipIsNextUnseen(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			stream := head(tt.stream)
			for from := range stream {
				var f Follower
				f.Next(stream[:from])
				for to := from; to-from <= int(min(f.Left(), uint64(len(stream)-from))); to++ {
					skipping, reading := f, f
					messages, seen := skipping.Skip(uint64(to-from)), reading.Next(stream[from:to])
					if messages != seen.Messages || skipping != reading {
						t.Fatalf("bytes %d to %d of % x: %d messages and %+v, want %d and %+v", from, to, stream, messages, skipping, seen.Messages, reading)
					}
				}
			}
		})
	}
}

// A gigabyte goes past in the kernel, and the stream goes on behind it.
func TestSkipOfABigMessage(t *testing.T) {
	var f Follower
	if seen := f.Next([]byte{0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0, 'a', 'b'}); seen.Messages != 0 || f.Left() != 1<<30-2 {
		t.Fatalf("%+v, %d bytes left", seen, f.Left())
	}
	for f.Left() > 1<<16 {
		if n := f.Skip(1 << 16); n != 0 {
			t.Fatalf("%d messages ended with %d bytes left", n, f.Left())
		}
	}
	if n := f.Skip(f.Left()); n != 1 || !f.AtBoundary() {
		t.Fatalf("%d messages ended, at a boundary: %v", n, f.AtBoundary())
	}
	if seen := f.Next(build(0x81, 7, []byte("x"), nil)); seen != (Seen{Boundary: 3, Messages: 1}) {
		t.Errorf("behind it: %+v", seen)
	}
}

func TestSkipStaysInsideTheFrame(t *testing.T) {
	tests := []struct {
		name   string
		stream []byte
		n      uint64
	}{
		{"between frames", nil, 1},
		{"inside a head", []byte{0x82, 126, 1}, 1},
		{"into the next frame", []byte{0x82, 5, 1, 2}, 4},
		{"inside a Close frame", []byte{0x88, 5, 3, 0xe9, 'b'}, 1},
		{"behind a Close frame", []byte{0x88, 0}, 1},
		{"lost", []byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic")
				}
			}()
			var f Follower
			f.Next(tt.stream)
			f.Skip(tt.n)
		})
	}
}

// FuzzSkip follows a stream twice, once with parts of its payloads skipped.
func FuzzSkip(f *testing.F) {
	for _, tt := range streams {
		f.Add(head(tt.stream), uint64(1)) // long seeds keep the fuzzer busy with shortening
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		if r.IntN(2) == 0 {
			stream = append(someFrames(r), stream...)
		}
		skipWhatMayBe(t, r, stream)
	})
}

// TestSkipInRandomStreams is the fuzz test's part for every run.
func TestSkipInRandomStreams(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 4))
		skipWhatMayBe(t, r, someFrames(r))
	}
}

func skipWhatMayBe(t *testing.T, r *rand.Rand, stream []byte) {
	t.Helper()
	var skipping, reading Follower
	at := 0
	for _, n := range someChunks(r, len(stream)) {
		chunk := stream[at : at+n]
		at += n
		k := int(min(skipping.Left(), uint64(r.IntN(n+1))))
		messages := skipping.Skip(uint64(k))
		seen := skipping.Next(chunk[k:])
		want := reading.Next(chunk)
		if seen.Boundary >= 0 {
			seen.Boundary += k
		}
		if seen.Messages += messages; seen != want || skipping != reading {
			t.Fatalf("%d of %d bytes skipped up to byte %d of % x: %+v and %+v, want %+v and %+v", k, n, at, head(stream), seen, skipping, want, reading)
		}
	}
}
