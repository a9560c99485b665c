package main

import "testing"

// Memory is tidied up when a storm is over, and neither during one nor again and again.
func TestOnlyAQuietHeapWithGarbageIsTidied(t *testing.T) {
	const mib = 1 << 20
	storm := heap{allocated: 900 * mib, used: 100 * mib, live: 60 * mib}
	for what, tt := range map[string]struct {
		now  heap
		want bool
	}{
		"the storm goes on":    {heap{allocated: 1000 * mib, used: 110 * mib, live: 60 * mib}, false},
		"it is over":           {heap{allocated: 901 * mib, used: 101 * mib, live: 60 * mib}, true},
		"it was tidied up":     {heap{allocated: 901 * mib, used: 61 * mib, live: 60 * mib}, false},
		"there is hardly more": {heap{allocated: 901 * mib, used: 63 * mib, live: 60 * mib}, false},
	} {
		if got := tt.now.littered(storm); got != tt.want {
			t.Errorf("%s: littered is %v", what, got)
		}
	}
	if h := readHeap(); h.allocated == 0 || h.used == 0 {
		t.Errorf("the runtime says %+v", h)
	}
}
