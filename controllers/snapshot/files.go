package snapshot

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// Files reads a Snapshot from manifests on disk, checked as strictly as an API server would check
// them, except that endpoints may have loopback addresses. It is not safe for concurrent use.
type Files struct {
	paths  []string
	routes *routeSchema
	known  map[string]*manifest // by file name
	found  map[string]located   // by key, of the last Read
}

// manifest is one file: what it said when it was last wholly good, and what is wrong with it now.
type manifest struct {
	root     string // the path given by the user under which it was found
	content  []byte
	objects  []located
	problems []Problem
}

// located is an object and where it stands.
type located struct {
	client.Object
	kind     string
	file     string
	document int
}

// key names the object among all files.
func (o located) key() string { return key(o.kind, o.GetNamespace(), o.GetName()) }

// key returns "Kind namespace/name", or "Kind name" for an object of the whole cluster.
func key(kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + name
}

// Problem is one thing that is wrong with a manifest.
type Problem struct {
	// File is the file's path as the user gave it, or as found in a folder that the user gave.
	File string `json:"file,omitempty"`
	// Document counts the YAML documents of the file from 1. 0: the file as a whole.
	Document int `json:"document,omitempty"`
	// Object is "Kind namespace/name" as far as known.
	Object string `json:"object,omitempty"`
	// Field is the path of the value at fault, such as spec.rules[0].matches; "" is the object.
	Field string `json:"field,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Note says that it is only good to know.
	Note bool `json:"note,omitempty"`
}

// Error returns file, document, object, field and message in one line.
func (p Problem) Error() string {
	parts := []string{p.File}
	if p.Document > 0 {
		parts = append(parts, fmt.Sprintf("document %d", p.Document))
	}
	for _, s := range []string{p.Object, p.Field, p.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// NewFiles returns a reader of the given files and folders. Of a folder, the files directly in it
// that end in .yaml, .yml or .json and don't start with a dot are read, as kubectl apply -f does.
func NewFiles(paths ...string) (*Files, error) {
	routes, err := newRouteSchema()
	if err != nil {
		return nil, fmt.Errorf("the WebSocketRoute schema built into this binary: %w", err)
	}
	return &Files{paths: paths, routes: routes, known: map[string]*manifest{}}, nil
}

// Read reads all files again and returns what they hold and everything that is wrong with them now.
//
// A file with any problem changes nothing: what it said when it was last good stays in the
// snapshot. At its first reading, when there is no such state, its good documents are taken. A file
// that is gone from a folder takes its objects with it; a file or folder that the user named and
// that can't be read keeps its last state and is a problem.
func (f *Files) Read() (*Snapshot, []Problem) {
	found, problems := f.list()
	for name := range f.known {
		if _, ok := found[name]; !ok {
			delete(f.known, name)
		}
	}
	names := make([]string, 0, len(found))
	for name, root := range found {
		if root != unreadable {
			f.refresh(name, root)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	s, more := f.gather(names)
	return s, append(problems, more...)
}

// Parse returns what the content of one file holds that is on no disk, and everything that is wrong with it under that name.
func Parse(name string, content []byte) (*Snapshot, []Problem, error) {
	f, err := NewFiles()
	if err != nil {
		return nil, nil, err
	}
	objects, problems := f.decode(name, content)
	f.known[name] = &manifest{objects: objects, problems: problems}
	s, problems := f.gather([]string{name})
	return s, problems, nil
}

// gather puts together what the files hold, and tells their problems.
func (f *Files) gather(names []string) (*Snapshot, []Problem) {
	var problems []Problem
	s := &Snapshot{}
	f.found = map[string]located{}
	for _, name := range names {
		problems = append(problems, f.known[name].problems...)
		for _, o := range f.known[name].objects {
			if other, taken := f.found[o.key()]; taken {
				problems = append(problems, Problem{File: name, Document: o.document, Object: o.key(),
					Message: fmt.Sprintf("defined already in %s, document %d, which is used; delete one of the two", other.file, other.document)})
				continue
			}
			f.found[o.key()] = o
			s.add(o.Object)
		}
	}
	s.sort()
	return s, problems
}

// Find returns where an object of the last Read stands: file and document as in a Problem. An object
// that is not in the files has neither.
func (f *Files) Find(kind, namespace, name string) (file string, document int) {
	o := f.found[key(kind, namespace, name)]
	return o.file, o.document
}

// unreadable stands for the path under which a file was found earlier and can't be looked for now.
const unreadable = ""

// list returns the names of all files to read, each with the path of the user's that led to it.
func (f *Files) list() (map[string]string, []Problem) {
	found := map[string]string{}
	var problems []Problem
	for _, root := range f.paths {
		names, err := manifestsIn(root)
		if err != nil {
			problems = append(problems, Problem{File: root, Message: err.Error()})
			for name, m := range f.known {
				if m.root == root {
					found[name] = unreadable
				}
			}
			continue
		}
		for _, name := range names {
			if _, twice := found[name]; !twice {
				found[name] = root
			}
		}
	}
	return found, problems
}

// manifestsIn returns root itself when it is a file, or else the manifests in the folder root.
func manifestsIn(root string) ([]string, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{filepath.Clean(root)}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := filepath.Join(root, e.Name())
		ext := filepath.Ext(e.Name())
		if strings.HasPrefix(e.Name(), ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			continue
		}
		// Stat follows the links of which a mounted ConfigMap consists.
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

// refresh reads one file and parses it if it has changed.
func (f *Files) refresh(name, root string) {
	m := f.known[name]
	if m == nil {
		m = &manifest{root: root}
		f.known[name] = m
	}
	content, err := os.ReadFile(name)
	if err != nil {
		m.content, m.problems = nil, []Problem{{File: name, Message: err.Error()}}
		return
	}
	if m.content != nil && bytes.Equal(content, m.content) {
		return
	}
	first := m.content == nil && m.objects == nil
	objects, problems := f.decode(name, content)
	if len(problems) == 0 || first {
		m.objects = objects
	}
	m.content, m.problems = content, problems
}

// add puts an object into its list.
func (s *Snapshot) add(o client.Object) {
	switch o := o.(type) {
	case *networkingv1.IngressClass:
		s.IngressClasses = append(s.IngressClasses, o)
	case *networkingv1.Ingress:
		s.Ingresses = append(s.Ingresses, o)
	case *v1alpha1.WebSocketRoute:
		s.WebSocketRoutes = append(s.WebSocketRoutes, o)
	case *corev1.Service:
		s.Services = append(s.Services, o)
	case *discoveryv1.EndpointSlice:
		s.EndpointSlices = append(s.EndpointSlices, o)
	case *corev1.Secret:
		s.Secrets = append(s.Secrets, o)
	case *corev1.ConfigMap:
		s.ConfigMaps = append(s.ConfigMaps, o)
	case *gatewayv1beta1.ReferenceGrant:
		s.ReferenceGrants = append(s.ReferenceGrants, o)
	}
}

// sort brings every list into the order of Read.
func (s *Snapshot) sort() {
	slices.SortFunc(s.IngressClasses, byName)
	slices.SortFunc(s.Ingresses, byName)
	slices.SortFunc(s.WebSocketRoutes, byName)
	slices.SortFunc(s.Services, byName)
	slices.SortFunc(s.EndpointSlices, byName)
	slices.SortFunc(s.Secrets, byName)
	slices.SortFunc(s.ConfigMaps, byName)
	slices.SortFunc(s.ReferenceGrants, byName)
}

// byName orders objects by namespace and name.
func byName[T client.Object](a, b T) int {
	return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
}
