#!/usr/bin/env bash
# Puts the CRDs of others whose objects the chart can create into .cache/crds (which git ignores), at the
# versions that go.mod beside this file pins, and prints the folder. A test API server that has them checks
# such objects as a cluster with the Prometheus Operator and KEDA does. Takes seconds; nothing is compiled.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache
out=$cache/crds
mkdir -p "$cache"
exec 9>"$cache/.crds.lock" && flock 9 # several tests may want it

cd "$here"
stamp=$(cat go.mod go.sum build.sh | cksum)
if [ "$(cat "$out/.stamp" 2>/dev/null)" != "$stamp" ]; then
	modules=(github.com/prometheus-operator/prometheus-operator github.com/kedacore/keda/v2)
	go mod download "${modules[@]}"
	operator=$(go list -m -f '{{.Dir}}' "${modules[0]}")
	keda=$(go list -m -f '{{.Dir}}' "${modules[1]}")

	rm -rf "$out" && mkdir -p "$out"
	install -m 644 -t "$out" \
		"$operator"/example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,podmonitors,prometheusrules}.yaml \
		"$keda"/config/crd/bases/keda.sh_scaledobjects.yaml
	echo "$stamp" >"$out/.stamp"
fi
echo "$out"
