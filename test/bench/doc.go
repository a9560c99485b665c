// Package bench measures Fairlead as a whole. Benchmarks of single packages stand beside them; run
// all with make bench-go. What measures Fairlead beside other proxies is in wsbench: make bench.
package bench
