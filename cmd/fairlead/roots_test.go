package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
)

// TestWithoutCertificatesOfTheMachine looks at the authorities that count in an image that has no file
// of them. They are read once in the life of a process, so this takes a second one.
func TestWithoutCertificatesOfTheMachine(t *testing.T) {
	if os.Getenv("SSL_CERT_DIR") != "/nowhere" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		again.Env = append(os.Environ(), "SSL_CERT_DIR=/nowhere", "SSL_CERT_FILE=/nowhere/certificates.pem")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	if roots.Equal(x509.NewCertPool()) {
		t.Error("nobody is trusted: neither endpoints nor authentication services could be verified")
	}
}
