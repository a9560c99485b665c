package crd

import _ "embed"

// WebSocketRoutes is the CustomResourceDefinition of WebSocketRoute (apiextensions.k8s.io/v1) in
// YAML, as hack/generate.sh makes it from api/v1alpha1. Callers must not change it.
//
//go:embed bases/fairlead.dev_websocketroutes.yaml
var WebSocketRoutes []byte
