// Package secure is how TLS is spoken, compiled from the model: to the endpoints of a route, and to
// the clients of a host. It knows no connection; what it makes are configurations of crypto/tls that
// connections share.
package secure
