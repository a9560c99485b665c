// Package backend speaks to one endpoint: it dials (with TLS where the route says so), sends the
// upgrade request, reads the answer to the end of its head, and says of every failure whether
// another endpoint may be tried. For plain HTTP it makes the transport.
//
// Which endpoint, and how often to try, is decided elsewhere.
package backend
