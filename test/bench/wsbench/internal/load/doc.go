// Package load is both ends of a proxy: clients in front of it and the backend behind it, in one
// epoll loop on one thread, so that they cost as little as they can and the proxy is what is
// measured. Each mode is a file of its own.
package load
