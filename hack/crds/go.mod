module github.com/fairlead/fairlead/hack/crds

go 1.26.0

// For the CRDs in their folders alone: no package of either is imported, so `go mod tidy` would take
// both out. build.sh needs no other line.
require (
	github.com/kedacore/keda/v2 v2.21.0
	github.com/prometheus-operator/prometheus-operator v0.88.0
)
