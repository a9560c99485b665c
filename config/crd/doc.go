// Package crd holds the CustomResourceDefinition in the binary, so that manifests without an API
// server are checked against, and defaulted by, the very schema that a cluster enforces.
package crd
