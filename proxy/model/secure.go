package model

// Scheme says how endpoints are spoken to.
type Scheme uint8

const (
	// Plain is http and ws.
	Plain Scheme = iota
	// Secure is https and wss; BackendTLS says how.
	Secure
	// AsClient is whatever the client speaks.
	AsClient
)

// String returns the scheme's name as users write it.
func (s Scheme) String() string { return [...]string{"Plain", "Secure", "AsClient", ""}[s&3] }

// BackendTLS says how TLS is spoken to endpoints. The zero value verifies nothing and sends the
// request's host as server name (RFC 6066 section 3).
type BackendTLS struct {
	// Verify wants a certificate from CAs for ServerName; without it any certificate will do.
	Verify bool
	// CAs are certificates in PEM. "": those of the system.
	CAs string
	// ServerName is sent and verified. "": the Host that the endpoint gets.
	ServerName string
	// NoSNI sends no server name; it is verified nevertheless.
	NoSNI bool
	// Depth bounds the certificates between the endpoint's and a CA; 0: no bound.
	Depth int
	// CertPEM and KeyPEM are what the proxy shows of itself. "": nothing.
	CertPEM, KeyPEM string
	// MinVersion and MaxVersion are those of package crypto/tls; 0: 1.2, and the newest there is.
	MinVersion, MaxVersion uint16
}
