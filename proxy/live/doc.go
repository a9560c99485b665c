// Package live holds what must survive a publish: the counters and drain marks of routes, backends
// and endpoints. Tables come and go; every new one carries these objects over by key, and sessions
// keep pointers to them and never to a table.
//
// Everything here is safe for use by many goroutines and costs an atomic operation.
package live
