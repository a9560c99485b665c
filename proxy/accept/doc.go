// Package accept is where connections come in: listeners, and TLS with the certificate that the
// current table has for the name that the client asks for (SNI, RFC 6066 section 3).
package accept
