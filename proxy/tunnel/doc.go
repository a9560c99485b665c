// Package tunnel moves the bytes between a client and an endpoint once the protocol is switched,
// and ends that well.
package tunnel
