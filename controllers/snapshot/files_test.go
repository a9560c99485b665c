package snapshot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

const chat = `
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: chat}
spec:
  hosts: [chat.example.com]
  rules:
  - matches:
    - path: {value: /socket}
    backends:
    - {name: chat, port: 8080}
`

const chatService = `
apiVersion: v1
kind: Service
metadata: {name: chat}
spec:
  ports: [{port: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: chat-1, labels: {kubernetes.io/service-name: chat}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{port: 18080}]
`

// folder writes files into a new folder and returns a reader of it.
func folder(t *testing.T, files map[string]string) (string, *Files) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	f, err := NewFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, f
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read reads and expects the problems to contain the given words, one problem each.
func read(t *testing.T, f *Files, want ...string) *Snapshot {
	t.Helper()
	s, problems := f.Read()
	if len(problems) != len(want) {
		t.Fatalf("%d problems, want %d: %v", len(problems), len(want), problems)
	}
	for i, p := range problems {
		if !strings.Contains(p.Error(), want[i]) {
			t.Errorf("problem %d: %q does not say %q", i, p, want[i])
		}
	}
	return s
}

func TestFolderBecomesSnapshotWithTheDefaultsOfAnAPIServer(t *testing.T) {
	_, f := folder(t, map[string]string{
		"route.yaml":   chat,
		"service.yml":  chatService,
		"notes.txt":    "not: [a manifest",
		".swp.yaml":    "half a",
		"more.json":    `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","metadata":{"name":"fairlead"},"spec":{"controller":"fairlead.dev/ingress-controller"}}]}`,
		"deploy.yaml":  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\n",
		"opaque.yaml":  "apiVersion: v1\nkind: Secret\nmetadata: {name: pw}\nstringData: {a: b}\n",
		"tls.yaml":     "apiVersion: v1\nkind: Secret\nmetadata: {name: tls, namespace: prod}\ntype: kubernetes.io/tls\nstringData: {tls.crt: a, tls.key: b}\n",
		"comment.yaml": "# nothing\n---\n# at all\n",
	})
	s := read(t, f)
	if len(s.WebSocketRoutes) != 1 || len(s.Services) != 1 || len(s.EndpointSlices) != 1 || len(s.IngressClasses) != 1 || len(s.Secrets) != 2 {
		t.Fatalf("snapshot holds %+v", s)
	}
	r := s.WebSocketRoutes[0]
	if r.Namespace != "default" || r.Generation != 1 {
		t.Errorf("namespace %q, generation %d", r.Namespace, r.Generation)
	}
	if got := r.Spec.Rules[0].Matches[0].Path.Type; got != v1alpha1.PathPrefix {
		t.Errorf("path type %q: the schema's default is Prefix", got)
	}
	if w := r.Spec.Rules[0].Backends[0].Weight; w == nil || *w != 1 {
		t.Errorf("weight %v: the schema's default is 1", w)
	}
	if got := s.EndpointSlices[0].Endpoints[0].Addresses[0]; got != "127.0.0.1" {
		t.Errorf("endpoint %s", got)
	}
	if got := string(s.Secrets[1].Data["tls.key"]); got != "b" {
		t.Errorf("stringData was not taken: %q", got)
	}
}

func TestMistakesNameFileDocumentObjectAndField(t *testing.T) {
	for name, c := range map[string]struct{ manifest, want string }{
		"typo in a route":     {strings.Replace(chat, "hosts:", "host:", 1), "WebSocketRoute chat: spec.host: unknown field"},
		"typo in metadata":    {strings.Replace(chat, "{name: chat}", "{name: chat, lables: {}}", 1), "metadata.lables: unknown field"},
		"enum":                {strings.Replace(chat, "{value: /socket}", "{type: Sufix, value: /socket}", 1), "spec.rules[0].matches[0].path.type: Unsupported value"},
		"CEL rule":            {strings.Replace(chat, "value: /socket", "value: socket", 1), "must start with /"},
		"wrong type":          {strings.Replace(chat, "[chat.example.com]", "chat.example.com", 1), "spec.hosts: Invalid value"},
		"twice in a set":      {strings.Replace(chat, "[chat.example.com]", "[a.b, a.b]", 1), "spec.hosts[1]: Duplicate value"},
		"duplicate key":       {chat + "spec: {}\n", `key "spec" already set`},
		"duplicate in a list": {strings.Replace(chat, "port: 8080}", "port: 8080, port: 1}", 1), `key "port" already set`},
		"name":                {strings.Replace(chat, "name: chat}", "name: Chat_1}", 1), "metadata.name: Invalid value"},
		"no name":             {strings.Replace(chat, "{name: chat}", "{}", 1), "metadata.name: Required value"},
		"older API":           {"apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n", "kind: there is no Ingress in extensions/v1beta1"},
		"no such kind":        {"apiVersion: networking.k8s.io/v1\nkind: Ingres\nmetadata: {name: a}\n", "kind: there is no Ingres in"},
		"typo in an Ingress":  {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {service: {nam: a, port: {number: 1}}}}\n", "spec.defaultBackend.service.nam: unknown field"},
		"type in an Ingress":  {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {service: {name: a, port: {number: http}}}}\n", "spec.defaultBackend.service.port.number: a string can't stand here"},
		"no pathType":         {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{http: {paths: [{path: /, backend: {service: {name: a, port: {number: 1}}}}]}}]}\n", "spec.rules[0].http.paths[0].pathType: Required value"},
		"unowned endpoints":   {"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv4\nendpoints: []\n", "metadata.labels[kubernetes.io/service-name]: Required value"},
		"family":              {"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a, labels: {kubernetes.io/service-name: b}}\naddressType: IPv4\nendpoints: [{addresses: ['::1']}]\n", "endpoints[0].addresses[0]: Invalid value"},
		"half a key pair":     {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\ndata: {tls.crt: YQ==}\n", "data[tls.key]: Required value"},
		"port":                {"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 99999}]}\n", "spec.ports[0].port: Invalid value"},
		"not an object":       {"just words\n", "not a Kubernetes object"},
		"no kind":             {"metadata: {name: a}\n", "apiVersion and kind are needed"},
		"list item":           {"apiVersion: networking.k8s.io/v1\nkind: IngressClassList\nitems: [{metadata: {name: a}, spec: {}}]\n", "IngressClass a: spec.controller: Required value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, f := folder(t, map[string]string{"a.yaml": chatService + "---\n" + c.manifest})
			s := read(t, f, c.want)
			_, problems := f.Read()
			if p := problems[0]; filepath.Base(p.File) != "a.yaml" || p.Document != 3 {
				t.Errorf("found in %s, document %d", p.File, p.Document)
			}
			if len(s.Services) != 1 {
				t.Error("the good documents are lost at the first reading")
			}
		})
	}
}

func TestBrokenFileKeepsItsLastGoodState(t *testing.T) {
	dir, f := folder(t, map[string]string{"a.yaml": chat, "b.yaml": chatService})
	read(t, f)

	write(t, filepath.Join(dir, "a.yaml"), strings.Replace(chat, "hosts: [chat", "hosts: [[chat", 1))
	write(t, filepath.Join(dir, "b.yaml"), strings.Replace(chatService, "port: 18080", "port: 18081", 1))
	s := read(t, f, "a.yaml: document 1: not YAML")
	if len(s.WebSocketRoutes) != 1 {
		t.Error("the broken file's route is gone")
	}
	if got := *s.EndpointSlices[0].Ports[0].Port; got != 18081 {
		t.Errorf("the other file's change is not seen: port %d", got)
	}

	write(t, filepath.Join(dir, "a.yaml"), strings.Replace(chat, "chat.example.com", "b.example.com", 1))
	if s = read(t, f); !slices.Equal(s.WebSocketRoutes[0].Spec.Hosts, []v1alpha1.Hostname{"b.example.com"}) {
		t.Errorf("mended, but still %v", s.WebSocketRoutes[0].Spec.Hosts)
	}

	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	if s = read(t, f); len(s.WebSocketRoutes) != 0 {
		t.Error("the file is gone and its route is not")
	}

	// A folder that goes away as a whole is a mistake, not a wish to serve nothing.
	if err := os.Rename(dir, dir+"-elsewhere"); err != nil {
		t.Fatal(err)
	}
	if s = read(t, f, "no such file"); len(s.Services) != 1 {
		t.Error("the folder's last state is lost")
	}
}

func TestSameObjectInTwoFilesIsToldAndTheFirstCounts(t *testing.T) {
	_, f := folder(t, map[string]string{"a.yaml": chat, "b.yaml": strings.Replace(chat, "chat.example.com", "b.example.com", 1)})
	s := read(t, f, "b.yaml: document 1: WebSocketRoute default/chat: defined already in ")
	if len(s.WebSocketRoutes) != 1 || s.WebSocketRoutes[0].Spec.Hosts[0] != "chat.example.com" {
		t.Errorf("got %d routes", len(s.WebSocketRoutes))
	}
	if file, document := f.Find("WebSocketRoute", "default", "chat"); filepath.Base(file) != "a.yaml" || document != 1 {
		t.Errorf("found in %s, document %d", file, document)
	}
}

// What objects refer to can stand in the files too, and is checked as an API server would check it.
func TestWhatIsReferredToIsRead(t *testing.T) {
	_, f := folder(t, map[string]string{
		"users.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: users}\ndata: {auth: b2xk}\nstringData: {auth: new}\n",
		"basic.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: basic}\ntype: kubernetes.io/basic-auth\nstringData: {password: secret}\n",
		"map.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: headers}\ndata: {X-A: b}\nbinaryData: {blob: AAE=}\n",
		"grant.yaml": "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: chat}\nspec:\n" +
			"  from: [{group: fairlead.dev, kind: WebSocketRoute, namespace: prod}]\n  to: [{group: \"\", kind: Service}]\n",
		"gateway.yaml": "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: other}\nspec: {}\n",
	})
	s := read(t, f)
	if len(s.Secrets) != 2 || len(s.ConfigMaps) != 1 || len(s.ReferenceGrants) != 1 {
		t.Fatalf("snapshot holds %+v", s)
	}
	if got := string(s.Secrets[1].Data["auth"]); got != "new" {
		t.Errorf("stringData must win over data: %q", got)
	}

	for name, c := range map[string]struct{ manifest, want string }{
		"password": {"kind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/basic-auth\nstringData: {auth: x}\n", "data[username]"},
		"key":      {"kind: Secret\nmetadata: {name: a}\nstringData: {\"a b\": x}\n", "data[a b]"},
		"twice":    {"kind: ConfigMap\nmetadata: {name: a}\ndata: {k: x}\nbinaryData: {k: AAE=}\n", "binaryData[k]"},
	} {
		_, f := folder(t, map[string]string{"a.yaml": "apiVersion: v1\n" + c.manifest})
		if _, problems := f.Read(); len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
			t.Errorf("%s: %v does not name %s", name, problems, c.want)
		}
	}
	_, f = folder(t, map[string]string{"a.yaml": "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: a}\nspec: {from: [], to: [{group: \"\", kind: Service}]}\n"})
	read(t, f, "spec.from")
}
