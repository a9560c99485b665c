// Package corpus keeps Ingresses as they are found in the wild, written for ingress-nginx, and what
// Fairlead makes of each. Every file in manifests holds the Ingresses of one story with the Services
// and EndpointSlices that they need; certificates are issued by the test. What comes of a file stands
// in testdata under its name, as fairlead check would print it, and
// with the settings that it prints as JSON only.
//
// After a change of annotations or translation, look at the difference of
//
//	go test ./test/corpus -update && git diff test/corpus/testdata
//
// A line that changes there changes for somebody who moves from ingress-nginx.
package corpus

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy/table"
)

var update = flag.Bool("update", false, "write anew what comes of each file")

// options are those of whoever moves from ingress-nginx and leaves the class as it is: the flags
// --ingress-class=nginx and --allowed-response-headers.
var options = translate.Options{ClassName: "nginx", ResponseHeaders: []string{"X-Frame-Options", "Referrer-Policy"}}

// least is how many files there must be: a glob that finds nothing proves nothing.
const least = 60

func TestWhatBecomesOfIngressesAsTheyAreFound(t *testing.T) {
	eachFile(t, "testdata", check)
}

// eachFile compares what comes of every manifest with the golden file of its name in a folder.
func eachFile(t *testing.T, goldens string, tell func(*testing.T, *snapshot.Files) string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("manifests/*.yaml")
	if err != nil || len(files) < least {
		t.Fatalf("%d manifests, %v", len(files), err)
	}
	told := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		golden := filepath.Join(here, goldens, name+".txt")
		told[golden] = true
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			got := tell(t, read(t, name, content))
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v (go test ./test/corpus -update writes it)", err)
			}
			if got != string(want) {
				t.Errorf("%s comes to something else (go test ./test/corpus -update tells anew)\n--- got\n%s--- want\n%s", file, got, want)
			}
		})
	}
	there, _ := filepath.Glob(filepath.Join(here, goldens, "*.txt"))
	for _, golden := range there {
		if !told[golden] {
			t.Errorf("%s has no manifest", golden)
		}
	}
}

// read reads a file and the Secrets that it needs.
func read(t *testing.T, name string, content []byte) *snapshot.Files {
	t.Helper()
	folder := t.TempDir()
	for file, p := range map[string][]byte{name + ".yaml": content, "secrets.yaml": secrets(t, content)} {
		if err := os.WriteFile(filepath.Join(folder, file), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder) // so that problems name the file and not the folder
	files, err := snapshot.NewFiles(".")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// check returns what fairlead check prints for a file.
func check(t *testing.T, files *snapshot.Files) string {
	t.Helper()
	routes, problems := controllers.Check(files, options)
	var b strings.Builder
	b.WriteString(routes.String())
	for i, r := range routes.View() {
		if i == 0 {
			b.WriteString("\nSETTINGS\n")
		}
		b.WriteString(settings(t, r) + "\n")
	}
	for i, p := range problems {
		if i == 0 {
			b.WriteString("\nPROBLEMS\n")
		}
		b.WriteString(p.Error() + "\n")
	}
	return b.String()
}

// settings are those of a route that the table as text leaves out.
func settings(t *testing.T, r table.RouteView) string {
	t.Helper()
	line := r.ID + ": " + r.Balance
	for _, part := range []struct {
		name  string
		value any
	}{{"timeouts", r.Timeouts}, {"keepalive", r.Keepalive}, {"rewrite", r.Rewrite}} {
		p, err := json.Marshal(part.value)
		if err != nil {
			t.Fatal(err)
		}
		if said := string(p); said != "null" && said != "{}" {
			line += ", " + part.name + " " + said
		}
	}
	return line
}

// annotations that name Secrets with authorities.
var secretAnnotations = []string{"nginx.ingress.kubernetes.io/auth-tls-secret", "nginx.ingress.kubernetes.io/proxy-ssl-secret"}

// lost is the name of a Secret that nobody made.
const lost = "not-there"

// secrets issues the certificates that the Ingresses of a file ask for, as cert-manager would.
func secrets(t *testing.T, content []byte) []byte {
	t.Helper()
	var out strings.Builder
	made := map[string]bool{}
	add := func(namespace, name string, hosts []string) {
		if id := namespace + "/" + name; name != "" && name != lost && !made[id] {
			made[id] = true
			p, err := yaml.Marshal(secret(t, namespace, name, hosts))
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString("---\n" + string(p))
		}
	}
	for doc := range strings.SplitSeq(string(content), "\n---\n") {
		var ingress networkingv1.Ingress
		if err := yaml.Unmarshal([]byte(doc), &ingress); err != nil || ingress.Kind != "Ingress" {
			continue // a broken document is for the check to tell
		}
		for _, tls := range ingress.Spec.TLS {
			add(ingress.Namespace, tls.SecretName, tls.Hosts)
		}
		for _, a := range secretAnnotations {
			namespace, name, _ := strings.Cut(ingress.Annotations[a], "/")
			add(namespace, name, nil)
		}
	}
	return []byte(out.String())
}

// secret is a key pair that is always the same, with itself as authority.
func secret(t *testing.T, namespace, name string, hosts []string) *corev1.Secret {
	t.Helper()
	seed := sha256.Sum256([]byte(namespace + "/" + name))
	key := ed25519.NewKeyFromSeed(seed[:])
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: len(hosts) == 0, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})},
	}
	if template.IsCA {
		s.Data["ca.crt"] = cert
	}
	return s
}

// Every file says in its first line whose it is, and no two Ingresses are the same.
func TestEveryFileSaysWhatItIs(t *testing.T) {
	files, err := filepath.Glob("manifests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(content), "# ") {
			t.Errorf("%s does not begin with a comment that says what it is", file)
		}
		_, rest, _ := strings.Cut(string(content), "\n")
		if of := seen[rest]; of != "" {
			t.Errorf("%s is %s again", file, of)
		}
		seen[rest] = file
	}
}
