package frame

import "encoding/binary"

// oracle is what a reader with the whole stream in hand knows: the plainest reading of RFC 6455
// section 5.2, one frame after the other.
type oracle struct {
	boundaries []int // places between frames, the start included
	messages   []int // ends of messages
	closeEnd   int   // -1: no Close frame
	closeCode  int
	lost       bool
	payloads   []span // of all but Close frames, the one that the stream ends in included
}

// span is a part of a stream, from its first byte to the one behind its last.
type span struct{ from, to uint64 }

func readAll(stream []byte) oracle {
	o := oracle{boundaries: []int{0}, closeEnd: -1}
	for at := 0; ; {
		rest := stream[at:]
		if len(rest) < 2 {
			return o
		}
		fin, opcode := rest[0]>>7 == 1, rest[0]%16
		masked, length := rest[1]>>7 == 1, uint64(rest[1]%128)
		head := 2
		switch length {
		case 126:
			head = 4
		case 127:
			head = 10
		}
		key := head
		if masked {
			head += 4
		}
		if len(rest) < head {
			return o
		}
		switch length {
		case 126:
			length = uint64(binary.BigEndian.Uint16(rest[2:]))
		case 127:
			length = binary.BigEndian.Uint64(rest[2:])
		}
		if length >= 1<<63 {
			o.lost = true
			return o
		}
		if opcode != 8 {
			begin := uint64(at + head)
			o.payloads = append(o.payloads, span{begin, begin + length})
		}
		if uint64(len(rest)-head) < length {
			return o
		}
		at += head + int(length)
		o.boundaries = append(o.boundaries, at)
		switch {
		case opcode == 8:
			o.closeEnd, o.closeCode = at, 1005
			if length >= 2 {
				a, b := rest[head], rest[head+1]
				if masked {
					a, b = a^rest[key], b^rest[key+1]
				}
				o.closeCode = int(a)<<8 | int(b)
			}
			return o
		case fin && opcode <= 2:
			o.messages = append(o.messages, at)
		}
	}
}

// left returns what Left must say behind stream[:at].
func (o oracle) left(at int) uint64 {
	for _, p := range o.payloads {
		if at := uint64(at); p.from <= at && at < p.to {
			return p.to - at
		}
	}
	return 0
}

// expect returns what Next must say of stream[from:to].
func (o oracle) expect(from, to int) Seen {
	want := Seen{Boundary: -1}
	if o.closeEnd >= 0 && o.closeEnd <= from {
		return want
	}
	for _, b := range o.boundaries {
		if from <= b && b <= to {
			want.Boundary = b - from
		}
	}
	for _, m := range o.messages {
		if from < m && m <= to {
			want.Messages++
		}
	}
	want.Close = o.closeEnd > from && o.closeEnd <= to
	return want
}
