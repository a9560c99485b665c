// Package pki issues certificates for tests: authorities, chains, and pairs for servers and clients.
package pki
