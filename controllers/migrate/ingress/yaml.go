package ingress

import (
	"sigs.k8s.io/yaml"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// YAML writes a route as a manifest, without the fields that are an API server's to fill in.
func YAML(r *v1alpha1.WebSocketRoute) (string, error) {
	meta := map[string]string{"name": r.Name}
	if r.Namespace != "" {
		meta["namespace"] = r.Namespace
	}
	text, err := yaml.Marshal(struct {
		APIVersion string                      `json:"apiVersion"`
		Kind       string                      `json:"kind"`
		Metadata   map[string]string           `json:"metadata"`
		Spec       v1alpha1.WebSocketRouteSpec `json:"spec"`
	}{r.APIVersion, r.Kind, meta, r.Spec})
	return string(text), err
}
