// Package accept is where connections come in: listeners, the PROXY protocol of load balancers, and
// TLS with what the current table has for the name that the client asks for (SNI, RFC 6066 section 3):
// a certificate, the lowest version, and whether the client is asked for a certificate of its own.
package accept
