package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// tidyInterval is how often memory is looked at.
	tidyInterval = 15 * time.Second
	// quietBytes is how much may have been allocated since the last look for the process to be quiet.
	quietBytes = 4 << 20
	// litter is how much garbage is worth a collection.
	litter = 4 << 20
)

// tidy gives memory back to the system when a storm is over, until ctx is done. A heap grows to
// twice of what lives in it before it is collected, and what a storm of handshakes leaves behind would
// stay until the next one: with many idle sockets that is as much as the sockets themselves take.
func tidy(ctx context.Context) {
	tick := time.NewTicker(tidyInterval)
	defer tick.Stop()
	last := readHeap()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := readHeap()
		if now.littered(last) {
			debug.FreeOSMemory()
			now = readHeap()
		}
		last = now
	}
}

// heap is what the runtime says of it, in bytes.
type heap struct {
	allocated uint64 // ever
	used      uint64 // by objects, dead ones included
	live      uint64 // by objects that the last collection found alive
}

// littered reports whether little was allocated since the last look, and much of the heap is garbage.
func (h heap) littered(last heap) bool {
	return h.allocated-last.allocated < quietBytes && h.used > h.live+litter
}

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()}
}
