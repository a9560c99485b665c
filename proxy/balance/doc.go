// Package balance chooses one of n: by rendezvous hash, by fewest sessions, or in turn, with or
// without weights. It knows indices and numbers, no sockets, no tables and no requests.
//
// Every choice takes a skip function, so that a caller can ask again after a failed try and gets
// the next best, never the same.
package balance
