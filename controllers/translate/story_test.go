package translate

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy/table"
)

var update = flag.Bool("update", false, "write what the stories in testdata tell anew")

// storyTime is when every story happens: certificates are judged by it.
var storyTime = time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC)

// A story is a file in testdata: objects.yaml (and common.yaml, which every story has), perhaps
// options.yaml, and what comes of them in model.txt and report.txt. Each is told twice, the second
// time with its objects the other way round: order of arrival never matters.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { tell(t, file) })
	}
}

func tell(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := readObjects(t, section(archive, "objects.yaml"))
	opts := readOptions(t, section(archive, "options.yaml"), s)

	config, report := Build(s, opts)
	opts.KeyPairs = new(KeyPairs) // of no effect but on time
	if _, err := table.Compile(config, nil); err != nil {
		t.Errorf("the data plane refuses a part: %v", err)
	}
	again, reportAgain := Build(s, opts)
	if !reflect.DeepEqual(config, again) || !reflect.DeepEqual(report, reportAgain) {
		t.Error("the same snapshot gives another result the second time")
	}
	if _, remembered := Build(s, opts); !reflect.DeepEqual(report, remembered) {
		t.Error("certificates seen before are judged otherwise")
	}
	for _, list := range []any{s.IngressClasses, s.Ingresses, s.WebSocketRoutes, s.Services, s.EndpointSlices, s.Secrets, s.ConfigMaps, s.ReferenceGrants} {
		reverse(list)
	}
	if reversed, reportReversed := Build(s, opts); !reflect.DeepEqual(config, reversed) || !reflect.DeepEqual(report, reportReversed) {
		t.Errorf("objects the other way round give another result:\n%s%s", configText(reversed), reportText(reportReversed))
	}

	results := []txtar.File{
		{Name: "model.txt", Data: []byte(configText(config))},
		{Name: "report.txt", Data: []byte(reportText(report))},
	}
	if *update {
		archive.Files = append(slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasSuffix(f.Name, ".txt") }), results...)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, got := range results {
		if want := section(archive, got.Name); string(got.Data) != want {
			t.Errorf("%s is not as told (go test ./controllers/translate -update tells anew)\n--- got\n%s--- want\n%s", got.Name, got.Data, want)
		}
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func reverse(list any) {
	v, swap := reflect.ValueOf(list), reflect.Swapper(list)
	for i := range v.Len() / 2 {
		swap(i, v.Len()-1-i)
	}
}

// certificate stands for the data of a Secret in a story: CERTIFICATE(names; end).
var certificate = regexp.MustCompile(`CERTIFICATE\(([^;)]*)(?:; ([-0-9]+))?\)`)

// readObjects reads manifests as the standalone command does.
func readObjects(t *testing.T, objects string) *snapshot.Snapshot {
	t.Helper()
	dir := t.TempDir()
	common, err := os.ReadFile("testdata/common.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects = certificate.ReplaceAllStringFunc(objects, func(s string) string {
		m := certificate.FindStringSubmatch(s)
		return keyPair(t, strings.Fields(m[1]), m[2])
	})
	objects = strings.ReplaceAll(objects, `"AUTHORITIES"`, authorities(t))
	for name, content := range map[string]string{"common.yaml": string(common), "objects.yaml": objects} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := snapshot.NewFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, problems := files.Read()
	for _, p := range problems {
		t.Errorf("an API server would refuse this: %v", p)
	}
	return s
}

// readOptions reads the controller's settings, and what no manifest can say of the snapshot.
func readOptions(t *testing.T, text string, s *snapshot.Snapshot) Options {
	t.Helper()
	var o struct {
		ControllerName, DefaultCertificate, ClassName, DefaultBackend, Zone, Node string
		WithoutClass, NoExternalNames, NginxDefaults                              bool
		ResponseHeaders                                                           []string
		Names                                                                     map[string]snapshot.Name
		Unreadable                                                                map[string]string
	}
	if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	named := func(text string) types.NamespacedName {
		namespace, name, _ := strings.Cut(text, "/")
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	s.Names = o.Names
	for key, why := range o.Unreadable {
		if s.Unreadable == nil {
			s.Unreadable = map[types.NamespacedName]string{}
		}
		s.Unreadable[named(key)] = why
	}
	return Options{
		ControllerName: o.ControllerName, DefaultCertificate: named(o.DefaultCertificate), ClassName: o.ClassName,
		WithoutClass: o.WithoutClass, DefaultBackend: named(o.DefaultBackend), NoExternalNames: o.NoExternalNames,
		NginxDefaults: o.NginxDefaults, ResponseHeaders: o.ResponseHeaders, Zone: o.Zone, Node: o.Node, Now: storyTime,
	}
}

// authorities is a certificate of an authority as a YAML string.
func authorities(t *testing.T) string {
	t.Helper()
	var pair struct {
		Cert []byte `json:"tls.crt"`
	}
	if err := yaml.Unmarshal([]byte(keyPair(t, []string{"authority"}, "")), &pair); err != nil {
		t.Fatal(err)
	}
	return strconv.Quote(string(pair.Cert))
}

// keyPair makes the same pair for the same names and end whenever it is asked.
func keyPair(t *testing.T, names []string, end string) string {
	t.Helper()
	notAfter := storyTime.AddDate(1, 0, 0)
	if end != "" {
		var err error
		if notAfter, err = time.Parse(time.DateOnly, end); err != nil {
			t.Fatal(err)
		}
	}
	seed := sha256.Sum256([]byte(strings.Join(names, " ") + end))
	key := ed25519.NewKeyFromSeed(seed[:])
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: storyTime.AddDate(-2, 0, 0), NotAfter: notAfter,
	}
	cert, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return fmt.Sprintf("{tls.crt: %s, tls.key: %s}", text("CERTIFICATE", cert), text("PRIVATE KEY", private))
}
