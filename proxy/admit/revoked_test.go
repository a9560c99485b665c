package admit

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// revokes makes a list of revoked certificates that is good for so long.
func (i *issuer) revokes(t *testing.T, valid time.Duration, certs ...*x509.Certificate) string {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(valid)}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, i.cert, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// numbered issues a client's certificate with a serial number of its own.
func (i *issuer) numbered(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	c, _ := i.issue(t, &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "ann"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)})
	return c
}

func TestRevokedCertificatesAreRefused(t *testing.T) {
	ours, theirs := newIssuer(t), newIssuer(t)
	good, bad := ours.numbered(t, 2), ours.numbered(t, 3)
	for name, c := range map[string]struct {
		lists     string
		good, bad bool
	}{
		"no list":              {"", true, true},
		"a list":               {ours.revokes(t, time.Hour, bad), true, false},
		"an empty one":         {ours.revokes(t, time.Hour), true, true},
		"two":                  {ours.revokes(t, time.Hour) + ours.revokes(t, time.Hour, bad), true, false},
		"one that is too old":  {ours.revokes(t, -time.Second), false, false},
		"of another authority": {theirs.revokes(t, time.Hour, bad), false, false},
		"of both":              {theirs.revokes(t, time.Hour, good) + ours.revokes(t, time.Hour, bad), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []model.ClientCertMode{model.RequireCert, model.OptionalCert, model.UnverifiedCert} {
				check := certifying(t, model.ClientCert{CAs: ours.pem() + c.lists, Mode: mode})
				for range 2 { // the second time it is remembered
					if refusal := check.check(shows(good)); c.good != (refusal == nil) {
						t.Errorf("%v: the good one: %v", mode, refusal)
					}
					if refusal := check.check(shows(bad)); c.bad != (refusal == nil) {
						t.Errorf("%v: the bad one: %v", mode, refusal)
					}
				}
			}
		})
	}
	if _, err := newClientCert(&model.ClientCert{CAs: ours.pem() + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"}); err == nil {
		t.Error("a list that can't be read is passed over")
	}
}

func TestWhoIsRememberedIsNotRememberedLongerThanTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := newIssuer(t)
		check := certifying(t, model.ClientCert{CAs: ours.pem() + ours.revokes(t, time.Minute)})
		client := ours.numbered(t, 2)
		if refusal := check.check(shows(client)); refusal != nil {
			t.Fatal(refusal)
		}
		time.Sleep(2 * time.Minute)
		if check.check(shows(client)) == nil {
			t.Error("the list is too old to say whether it was revoked")
		}
	})
}
