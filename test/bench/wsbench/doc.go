// Wsbench measures Fairlead beside the proxies that people would use instead: the same clients, the
// same backend, one core for the proxy and another one for everything else, in interleaved rounds.
//
//	wsbench run      measure, and write a report: JSON into a file, Markdown to stdout
//	wsbench report   write the tables of a report again, or into a page
//
// docs/performance.md says what is measured and how to read it.
package main
