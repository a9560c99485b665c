package balance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func id(i int) uint64 { return Hash("endpoint", fmt.Sprint(i)) }

func TestWhenAnEndpointLeavesOnlyItsKeysMove(t *testing.T) {
	const n, keys, gone = 10, 20000, 3
	moved := 0
	for k := range keys {
		key := Hash(fmt.Sprint("user-", k))
		before := Rendezvous(key, n, id, nil, nil)
		after := Rendezvous(key, n, id, nil, func(i int) bool { return i == gone })
		if before != gone && before != after {
			t.Fatalf("key %d moved from %d to %d though %d left", k, before, after, gone)
		}
		if before == gone {
			moved++
		}
	}
	if share := float64(moved) / keys * n; share < 0.9 || share > 1.1 {
		t.Errorf("the endpoint had %.2f of its fair share", share)
	}
}

func TestWeightsAreSharesOfKeys(t *testing.T) {
	weights := []int{9, 1, 0}
	var got [3]int
	const keys = 20000
	for k := range keys {
		got[Rendezvous(Hash(fmt.Sprint(k)), 3, id, func(i int) int { return weights[i] }, nil)]++
	}
	if share := float64(got[0]) / keys; math.Abs(share-0.9) > 0.01 || got[2] != 0 {
		t.Errorf("keys were shared as %v", got)
	}
}

func TestInTurnVisitsEveryEndpointAlike(t *testing.T) {
	var got [3]int
	start := rand.Uint64()
	for k := range uint64(300) {
		got[InTurn(start+k, 3, nil)]++
	}
	if got != [3]int{100, 100, 100} {
		t.Errorf("turns: %v", got)
	}
}

func TestLeastTakesTheEmptiestAndSpreadsTies(t *testing.T) {
	loads := []int64{4, 2, 9, 2}
	seen := map[int]bool{}
	for turn := range uint64(4) {
		seen[Least(turn, 4, func(i int) int64 { return loads[i] }, nil)] = true
	}
	if len(seen) != 2 || !seen[1] || !seen[3] {
		t.Errorf("chosen: %v", seen)
	}
}

func TestAnyRunOfTurnsComesCloseToTheWeights(t *testing.T) {
	weights := []int{70, 20, 10}
	start := rand.Uint64()
	for run := range uint64(50) {
		var got [3]int
		for k := range uint64(100) {
			got[Weighted(start+run*17+k, 3, func(i int) int { return weights[i] }, nil)]++
		}
		for i, w := range weights {
			if math.Abs(float64(got[i]-w)) > 4 {
				t.Fatalf("100 turns were shared as %v", got)
			}
		}
	}
}

func TestNothingLeftIsNone(t *testing.T) {
	all := func(int) bool { return true }
	weight := func(int) int { return 1 }
	for name, got := range map[string]int{
		"rendezvous":      Rendezvous(1, 3, id, nil, all),
		"in turn":         InTurn(1, 3, all),
		"least":           Least(1, 3, func(int) int64 { return 0 }, all),
		"weighted":        Weighted(1, 3, weight, all),
		"of none":         InTurn(7, 0, nil),
		"of zero weights": Weighted(7, 3, func(int) int { return 0 }, nil),
	} {
		if got != None {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestPartsOfAHashAreKeptApart(t *testing.T) {
	if Hash("a", "bc") == Hash("ab", "c") || Hash("a") == Hash("a", "") {
		t.Error("different parts, same hash")
	}
}

func BenchmarkRendezvous(b *testing.B) {
	known := make([]uint64, 100)
	for i := range known {
		known[i] = id(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		Rendezvous(12345, len(known), func(i int) uint64 { return known[i] }, nil, nil)
	}
}

func TestRanksAreTheOrderInWhichEndpointsWouldTakeOver(t *testing.T) {
	const n = 9
	for k := range 200 {
		key := Hash(fmt.Sprint(k))
		gone := map[int]bool{}
		for rank := range n {
			next := Rendezvous(key, n, id, nil, func(i int) bool { return gone[i] })
			if got := Ranked(key, n, id, rank, nil); got != next {
				t.Fatalf("key %d: rank %d is %d, want %d", k, rank, got, next)
			}
			gone[next] = true
		}
		if got := Ranked(key, n, id, n, nil); got != None {
			t.Fatalf("there is a rank %d: %d", n, got)
		}
	}
	same := func(int) uint64 { return 7 } // of equal identities each has its rank too
	for rank := range 3 {
		if got := Ranked(1, 3, same, rank, nil); got != rank {
			t.Errorf("rank %d is %d", rank, got)
		}
	}
}

func TestLoadsComeToTheirShares(t *testing.T) {
	weights := []int{6, 3, 1, 0}
	loads := []int64{0, 900, 0, 0} // one of them had all
	for range 2100 {
		loads[Furthest(4, func(i int) int64 { return loads[i] }, func(i int) int { return weights[i] }, nil)]++
	}
	for i, w := range weights {
		if diff := loads[i] - int64(w)*300; diff < -1 || diff > 1 {
			t.Errorf("3000 are shared as %v", loads)
		}
	}
	if got := Furthest(2, func(int) int64 { return 0 }, func(int) int { return 0 }, nil); got != None {
		t.Errorf("without weights: %d", got)
	}
}
