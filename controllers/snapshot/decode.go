package snapshot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// decode parses all documents of a file. Documents of kinds that decide nothing here, such as
// Deployments, are skipped, so that a file can also be what a cluster is given.
func (f *Files) decode(name string, content []byte) ([]located, []Problem) {
	var objects []located
	var problems []Problem
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for n := 1; ; n++ {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, problems
		}
		if err != nil {
			return objects, append(problems, Problem{File: name, Document: n, Message: err.Error()})
		}
		raw, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			problems = append(problems, Problem{File: name, Document: n, Message: "not YAML: " + err.Error()})
			continue
		}
		if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) { // nothing but comments
			n--
			continue
		}
		found, wrong := f.document(raw, metav1.TypeMeta{})
		for _, o := range found {
			objects = append(objects, located{Object: o.Object, kind: o.kind, file: name, document: n})
		}
		for _, p := range wrong {
			p.File, p.Document = name, n
			problems = append(problems, p)
		}
	}
}

// document decodes one object or a list of objects. implied is the type of list items that don't
// name their own.
func (f *Files) document(raw []byte, implied metav1.TypeMeta) ([]located, []Problem) {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"metadata"`
		Items []json.RawMessage `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &head); err != nil {
		return nil, []Problem{{Message: "not a Kubernetes object: " + err.Error()}}
	}
	if head.Kind == "" && head.APIVersion == "" {
		head.TypeMeta = implied
	}
	if head.Kind == "" || head.APIVersion == "" {
		return nil, []Problem{{Message: "apiVersion and kind are needed"}}
	}
	if item, isList := strings.CutSuffix(head.Kind, "List"); isList {
		implied := metav1.TypeMeta{APIVersion: head.APIVersion, Kind: item}
		if item == "" {
			implied = metav1.TypeMeta{}
		}
		var objects []located
		var problems []Problem
		for _, raw := range head.Items {
			found, wrong := f.document(raw, implied)
			objects, problems = append(objects, found...), append(problems, wrong...)
		}
		return objects, problems
	}

	o, errs := f.object(raw, head.GroupVersionKind())
	if o == nil && len(errs) == 0 {
		return nil, nil
	}
	name := head.Metadata.Name
	if ns := head.Metadata.Namespace; ns != "" {
		name = ns + "/" + name
	}
	var problems []Problem
	for _, e := range errs {
		problems = append(problems, Problem{Object: strings.TrimSpace(head.Kind + " " + name), Field: e.Field, Message: detail(e)})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return []located{{Object: o, kind: head.Kind}}, nil
}

// object decodes, defaults and checks one object. It returns nil, nil for kinds that decide nothing.
func (f *Files) object(raw []byte, gvk schema.GroupVersionKind) (client.Object, field.ErrorList) {
	var o client.Object
	switch gvk {
	case v1alpha1.GroupVersion.WithKind("WebSocketRoute"):
		return f.route(raw)
	case networkingv1.SchemeGroupVersion.WithKind("Ingress"):
		o = &networkingv1.Ingress{}
	case networkingv1.SchemeGroupVersion.WithKind("IngressClass"):
		o = &networkingv1.IngressClass{}
	case corev1.SchemeGroupVersion.WithKind("Service"):
		o = &corev1.Service{}
	case corev1.SchemeGroupVersion.WithKind("Secret"):
		o = &corev1.Secret{}
	case corev1.SchemeGroupVersion.WithKind("ConfigMap"):
		o = &corev1.ConfigMap{}
	case grantKind("v1beta1"), grantKind("v1"):
		o = &gatewayv1beta1.ReferenceGrant{} // the fields of both versions are the same
	case discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"):
		o = &discoveryv1.EndpointSlice{}
	default:
		return nil, unusedKind(gvk)
	}
	strict, err := kjson.UnmarshalStrict(raw, o)
	if err != nil {
		return nil, field.ErrorList{decodeError(err)}
	}
	var errs field.ErrorList
	for _, e := range strict {
		errs = append(errs, decodeError(e))
	}
	if len(errs) > 0 {
		return nil, errs // what a misspelt field leaves empty would only confuse
	}
	_, wholeCluster := o.(*networkingv1.IngressClass)
	errs = complete(o, !wholeCluster)
	return o, append(errs, check(o)...)
}

// grantKind returns the kind ReferenceGrant of a version of the Gateway API.
func grantKind(version string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: gatewayv1beta1.GroupName, Version: version, Kind: "ReferenceGrant"}
}

// route decodes a WebSocketRoute.
func (f *Files) route(raw []byte) (client.Object, field.ErrorList) {
	var content map[string]any
	strict, err := kjson.UnmarshalStrict(raw, &content)
	if err != nil {
		return nil, field.ErrorList{decodeError(err)}
	}
	route, errs := f.routes.decode(content)
	for _, e := range strict {
		errs = append(errs, decodeError(e))
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return route, complete(route, true)
}

// complete gives the metadata what an API server would give it, and checks it.
func complete(o client.Object, namespaced bool) field.ErrorList {
	if namespaced && o.GetNamespace() == "" {
		o.SetNamespace(metav1.NamespaceDefault)
	}
	if o.GetGeneration() == 0 {
		o.SetGeneration(1)
	}
	name := apivalidation.NameIsDNSSubdomain
	if _, ok := o.(*corev1.Service); ok {
		name = apivalidation.NameIsDNS1035Label
	}
	return apivalidation.ValidateObjectMetaAccessor(o, namespaced, name, field.NewPath("metadata"))
}

// unusedKind returns an error for a kind that looks like one that Fairlead reads, but isn't, and nil
// for every other kind.
func unusedKind(gvk schema.GroupVersionKind) field.ErrorList {
	if scheme.Scheme.Recognizes(gvk) && gvk.Group != "extensions" {
		switch gvk.Kind {
		case "Ingress", "IngressClass", "EndpointSlice": // an older version of the group
		default:
			return nil
		}
	}
	switch gvk.Group {
	case gatewayv1beta1.GroupName:
		if gvk.Kind != "ReferenceGrant" {
			return nil // of the Gateway API the grants count, and nothing else
		}
		fallthrough
	case v1alpha1.GroupVersion.Group, networkingv1.GroupName, discoveryv1.GroupName, corev1.GroupName, "extensions":
		return field.ErrorList{{Type: field.ErrorTypeNotSupported, Field: "kind", Detail: "there is no " + gvk.Kind + " in " + gvk.GroupVersion().String() +
			" here; known are Ingress and IngressClass of networking.k8s.io/v1, WebSocketRoute of " + v1alpha1.GroupVersion.String() +
			", Service, Secret and ConfigMap of v1, EndpointSlice of discovery.k8s.io/v1" +
			" and ReferenceGrant of " + gatewayv1beta1.GroupVersion.String()}}
	}
	return nil
}

// decodeError takes the field out of an error of a decoder, where it has one.
func decodeError(err error) *field.Error {
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		return &field.Error{Type: field.ErrorTypeTypeInvalid, Field: typed.Field, Detail: "a " + typed.Value + " can't stand here (wanted: " + typed.Type.String() + ")"}
	}
	// Strict decoders say: unknown field "spec.host", duplicate field "spec.hosts".
	what, path, _ := strings.Cut(err.Error(), ` "`)
	if path, ok := strings.CutSuffix(path, `"`); ok && strings.HasSuffix(what, " field") {
		return &field.Error{Type: field.ErrorTypeForbidden, Field: path, Detail: what}
	}
	return &field.Error{Type: field.ErrorTypeInvalid, Detail: err.Error()}
}

// detail returns the message of an error without its field, and without values: they may be secret.
func detail(e *field.Error) string {
	if e.Type == field.ErrorTypeForbidden || e.BadValue == nil {
		return e.Detail
	}
	return e.ErrorBody()
}
