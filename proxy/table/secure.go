package table

import "crypto/tls"

// backendTLS compiles how TLS is spoken to the route's endpoints.
func (c *compilation) backendTLS(r *Route) {
	r.EndpointTLS = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true,
	}
}
