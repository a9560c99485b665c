package feature

import (
	"cmp"
	"fmt"
	"strings"
)

// ingress returns an Ingress for chat.example.com and the path /, to the Service chat.
func ingress(annotations ...string) string {
	lines := ""
	for _, a := range annotations {
		lines += "\n    " + a
	}
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  annotations: {%s
  }
spec:
  ingressClassName: fairlead
  rules:
  - host: chat.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: chat, port: {name: ws}}}}]}
`, strings.ReplaceAll(lines, "\n    ", ",\n    ")[min(len(lines), 1):])
}

// object is an Ingress in short.
type object struct {
	name, namespace string // chat, default
	created         string // date; "": none
	host            string // chat.example.com
	service         string // chat
	paths           []string
	pathType        string
	annotations     []string // "name: value"; a name without prefix is one of ingress-nginx
	spec            []string // more of it
}

// ingressFor returns the Ingress of the short form, with annotations.
func ingressFor(o object, annotations ...string) string {
	o.annotations = append(o.annotations, annotations...)
	created := ""
	if o.created != "" {
		created = fmt.Sprintf("\n  creationTimestamp: %sT00:00:00Z", o.created)
	}
	text := fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: %s
  namespace: %s%s
  annotations:
    example.com/nothing: ""`, cmp.Or(o.name, "chat"), cmp.Or(o.namespace, "default"), created)
	for _, a := range o.annotations {
		key, value, _ := strings.Cut(a, ": ")
		if !strings.Contains(key, "/") {
			key = "nginx.ingress.kubernetes.io/" + key
		}
		text += fmt.Sprintf("\n    %s: %q", key, value)
	}
	text += fmt.Sprintf(`
spec:
  ingressClassName: fairlead
  rules:
  - host: %q
    http:
      paths:`, cmp.Or(o.host, "chat.example.com"))
	if len(o.paths) == 0 {
		o.paths = []string{"/"}
	}
	for _, path := range o.paths {
		text += fmt.Sprintf("\n      - {path: %q, pathType: %s, backend: {service: {name: %s, port: {name: ws}}}}",
			path, cmp.Or(o.pathType, "Prefix"), cmp.Or(o.service, "chat"))
	}
	for _, more := range o.spec {
		text += "\n  " + more
	}
	return text
}

// secretOf returns a Secret with texts.
func secretOf(name string, texts ...string) string {
	return dataOf("Secret", "stringData", name, texts)
}

// configMapOf returns a ConfigMap. texts are names and values in turn.
func configMapOf(name string, texts ...string) string {
	return dataOf("ConfigMap", "data", name, texts)
}

func dataOf(kind, part, name string, texts []string) string {
	text := fmt.Sprintf("\napiVersion: v1\nkind: %s\nmetadata: {name: %s}\n%s:", kind, name, part)
	for i := 0; i < len(texts); i += 2 {
		text += fmt.Sprintf("\n  %q: %q", texts[i], texts[i+1])
	}
	return text
}

// webSocketRoute returns a WebSocketRoute for chat.example.com with the rest of its spec.
func webSocketRoute(name, spec string) string {
	return fmt.Sprintf(`
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: %s}
spec:
  ingressClassName: fairlead
  hosts: [chat.example.com]
%s`, name, spec)
}
