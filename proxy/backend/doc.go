// Package backend speaks to one endpoint: it dials (with TLS where the route says so), sends the
// upgrade request, reads the answer to the end of its head, and says of every failure whether
// another endpoint may be tried. For plain HTTP it makes the transport.
//
// An event loop that speaks to endpoints with system calls of its own shares the head, the socket
// options and the failures, and hands over to [Resume] what it does not understand.
//
// Which endpoint, and how often to try, is decided elsewhere.
package backend
