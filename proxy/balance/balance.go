package balance

import (
	"math"
	"math/bits"
)

// None is the answer when nothing is left to choose.
const None = -1

// Skip says which indices may not be chosen. nil skips none.
type Skip func(i int) bool

func (s Skip) has(i int) bool { return s != nil && s(i) }

// Hash returns a 64-bit hash of the parts that is the same in every process, so that replicas
// agree. Parts are kept apart: ("a", "bc") and ("ab", "c") differ.
func Hash(parts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * prime
		}
		h = (h ^ 0xff) * prime // 0xff occurs in no UTF-8 string
	}
	return mix(h)
}

// mix spreads every bit of x over the whole word (the finalizer of SplitMix64): FNV alone leaves
// similar strings with similar high bits.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Rendezvous returns the index with the highest score for the key (highest random weight
// hashing): when an index leaves, only its keys move, and each to a place of its own. id gives
// each index a stable identity. weight gives its share; nil means equal shares.
func Rendezvous(key uint64, n int, id func(i int) uint64, weight func(i int) int, skip Skip) int {
	best, top := None, math.Inf(-1)
	for i := range n {
		if skip.has(i) {
			continue
		}
		score := unit(mix(key ^ bits.RotateLeft64(id(i), 32)))
		if weight != nil {
			if weight(i) <= 0 {
				continue
			}
			score = -float64(weight(i)) / math.Log(score)
		}
		if score > top {
			best, top = i, score
		}
	}
	return best
}

// Ranked is Rendezvous with equal shares, but returns the index with the rank-th score: 0 for the
// highest. None: there are not so many. It takes time in proportion to rank.
func Ranked(key uint64, n int, id func(i int) uint64, rank int, skip Skip) int {
	above, last := uint64(math.MaxUint64), None
	for range rank + 1 {
		best, top := None, uint64(0)
		for i := range n {
			if skip.has(i) {
				continue
			}
			score := mix(key ^ bits.RotateLeft64(id(i), 32))
			// Of equal scores, as those of equal ids are, the first index goes first.
			if below := score < above || score == above && i > last; below && (best == None || score > top) {
				best, top = i, score
			}
		}
		if best == None {
			return None
		}
		above, last = top, best
	}
	return last
}

// unit maps x to the open interval (0, 1).
func unit(x uint64) float64 { return (float64(x>>11) + 0.5) / (1 << 53) }

// InTurn returns the index whose turn it is.
func InTurn(turn uint64, n int, skip Skip) int {
	for k := range n {
		if i := int((turn + uint64(k)) % uint64(n)); !skip.has(i) {
			return i
		}
	}
	return None
}

// Least returns the index with the smallest load; on equal loads the one whose turn it is.
func Least(turn uint64, n int, load func(i int) int64, skip Skip) int {
	best, least := None, int64(math.MaxInt64)
	for k := range n {
		i := int((turn + uint64(k)) % uint64(n))
		if skip.has(i) {
			continue
		}
		if l := load(i); l < least {
			best, least = i, l
		}
	}
	return best
}

// Furthest returns the index whose load is furthest below its share of all loads, as weight gives
// the shares. When every choice adds to its load, the loads come to the shares however they were
// before. Of equal ones, the first counts.
func Furthest(n int, load func(i int) int64, weight func(i int) int, skip Skip) int {
	best, loadOfBest, weightOfBest := None, int64(0), int64(0)
	for i := range n {
		w := int64(weight(i))
		if w <= 0 || skip.has(i) {
			continue
		}
		// (l+1)/w is how full the index would be with one more.
		if l := max(load(i), 0) + 1; best == None || l*weightOfBest < loadOfBest*w {
			best, loadOfBest, weightOfBest = i, l, w
		}
	}
	return best
}

// Weighted returns an index in proportion to its weight. Consecutive turns are spread evenly: any
// run of turns comes close to the shares, not only a long one.
func Weighted(turn uint64, n int, weight func(i int) int, skip Skip) int {
	sum := 0
	for i := range n {
		if !skip.has(i) {
			sum += max(weight(i), 0)
		}
	}
	if sum == 0 {
		return None
	}
	// Multiples of the golden ratio, modulo one, are the evenest sequence there is.
	const golden = 0x9e3779b97f4a7c15
	point, _ := bits.Mul64(turn*golden, uint64(sum))
	for i := range n {
		if skip.has(i) {
			continue
		}
		w := uint64(max(weight(i), 0))
		if point < w {
			return i
		}
		point -= w
	}
	return None
}
