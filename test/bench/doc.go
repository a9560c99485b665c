// Package bench measures Fairlead as a whole. Benchmarks of single packages stand beside them; run
// all with make bench.
package bench
