package migrate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// Whatever a configuration becomes, fairlead check has nothing to say against it, and a route table
// comes out of it.
func TestCheckAcceptsWhatMigrateWrites(t *testing.T) {
	folder := filepath.Join("..", "..", "controllers", "migrate", "nginx", "testdata")
	names, err := filepath.Glob(filepath.Join(folder, "*.conf"))
	if err != nil || len(names) < 25 {
		t.Fatalf("%d configurations, %v", len(names), err)
	}
	for _, name := range names {
		for _, kind := range []nginx.Kind{nginx.WebSocketRoute, nginx.Ingress} {
			t.Run(filepath.Base(name)+"/"+string(kind), func(t *testing.T) {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				config, err := nginxsyntax.Parse(filepath.ToSlash(name), content, nginxsyntax.Source{Read: os.ReadFile, Glob: filepath.Glob})
				if err != nil {
					t.Fatal(err)
				}
				tls := t.TempDir()
				result := nginx.Migrate(config, nginx.Options{Kind: kind, Namespace: "prod", Read: func(asked string) ([]byte, error) {
					if strings.HasSuffix(asked, ".htpasswd") {
						return []byte("ann:$apr1$aaaaaaaa$VwB6yZcq0LKcF6lGl4jtF/\n"), nil
					}
					if strings.HasSuffix(asked, "revoked.pem") {
						return revocationList(t), nil
					}
					base := filepath.Join(tls, strings.TrimSuffix(strings.TrimSuffix(filepath.Base(asked), ".crt"), ".key"))
					if _, err := os.Stat(base + ".crt"); err != nil {
						writeCertificate(t, base)
					}
					return os.ReadFile(base + filepath.Ext(asked))
				}})
				if len(result.Report.Commands) > 0 {
					t.Errorf("left to do: %q", result.Report.Commands)
				}
				accepted(t, result)
			})
		}
	}
}

// revocationList makes a list of some authority that has revoked nothing.
func revocationList(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour)},
		&x509.Certificate{KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func accepted(t *testing.T, result nginx.Result) {
	t.Helper()
	var manifests bytes.Buffer
	if err := nginx.WriteYAML(&manifests, result.Objects); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "all.yaml")
	write(t, file, manifests.Bytes())
	files, err := snapshot.NewFiles(file)
	if err != nil {
		t.Fatal(err)
	}
	table, problems := controllers.Check(files, translate.Options{})
	for _, p := range problems {
		t.Error(p.Error())
	}
	if len(table.View()) == 0 {
		t.Error("no route came out of it")
	}
}
