// Package wire builds and reads the bytes of RFC 6455 that the bench needs: heads of handshakes and
// frames, built once and sent many times.
package wire
