//go:build unix

package main

import "syscall"

// openFiles returns how many files the process may have open; false when that is not known. Go has
// raised the soft limit to the hard one by then.
func openFiles() (limit uint64, known bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return uint64(l.Cur), true //nolint:unconvert // it is signed on FreeBSD
}
