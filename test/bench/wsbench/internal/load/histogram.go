package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that grow with them: each power of two has 64, so that a
// quantile is told to 1.6 %. The zero value is empty.
type Histogram struct {
	counts [64 * 40]int64
	total  int64
	max    time.Duration
}

// Record counts one duration; those below 0 count as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[min(bucket(uint64(d)), len(h.counts)-1)]++
	h.total++
	h.max = max(h.max, d)
}

// bucket is where a number of nanoseconds is counted: below 64 each has its own.
func bucket(n uint64) int {
	shift := max(bits.Len64(n)-7, 0)
	return shift*64 + int(n>>shift)
}

// Quantile is the duration that the share q of all does not exceed; 0 when there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q * float64(h.total))
	for i, n := range &h.counts {
		if rank -= n; rank < 0 {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// upper is the longest duration that bucket i counts.
func upper(i int) time.Duration {
	if i < 128 {
		return time.Duration(i)
	}
	shift := i/64 - 1
	return time.Duration((i-shift*64+1)<<shift - 1)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.total }

// Max is the longest duration.
func (h *Histogram) Max() time.Duration { return h.max }
