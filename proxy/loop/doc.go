// Package loop waits for sockets and for time: an event loop per core, on epoll.
//
// A [Loop] is one goroutine. It asks the kernel which of its descriptors are ready, tells their
// owners one after the other, then does what is due and what other goroutines have asked for with
// [Loop.Do]. An owner is never called at the same time twice and so needs no lock, but it must
// not block: while it does, everything else of the loop waits. Whoever has more to do than its
// share asks to be called again ([Loop.Again]).
//
// # Descriptors
//
// Registration is edge-triggered and made once, for reading and for writing: an owner is told when
// something has changed, and must go on until the kernel has nothing more to give or to take
// (EAGAIN, or less than was asked for). What the kernel reports of a descriptor that was closed in
// the meantime, and whose number may have a new owner already, reaches nobody: every registration
// has a number of its own, which the kernel gives back with each event.
//
// # Waiting
//
// A loop waits in the kernel on its own thread, and not as a parked goroutine: to be woken by way
// of the Go scheduler costs about a third more per message at low rates. Reads and writes of
// sockets that never block go past the scheduler as well, see [Read]. In return a loop keeps one
// of GOMAXPROCS, see [Start].
//
// # Time
//
// [Timer]s stand in a hierarchical wheel with ticks of 4 ms: to set, to move and to stop one costs a
// few instructions, whether there are ten or a million. They never fire early.
//
// Without epoll (other systems than Linux, or the build tag portable) there is no such loop, and
// connections are moved by goroutines.
package loop
