#!/usr/bin/env bash
# Builds Kubernetes from its Go modules, at the versions that go.mod beside this file pins, into
# .cache/kube (which git ignores). What is there in the right version is not built again.
#
#   hack/kube/build.sh          etcd, kube-apiserver, kube-controller-manager, kubectl
#   hack/kube/build.sh nodes    those, and what a node needs: kube-scheduler, kubelet, kube-proxy, CoreDNS
#
# Cold they take about five minutes and one more on two cores.
set -euo pipefail
case "$*" in
"" | nodes) ;;
*) echo "usage: hack/kube/build.sh [nodes]" >&2 && exit 2 ;;
esac
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/kube

k8s=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${k8s#v1.}
minor=${minor%%.*}
# Without these the binaries call themselves v0.0.0-master and kubectl warns of a version skew.
stamped="-s -w"
for pkg in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	stamped+=" -X $pkg.gitVersion=$k8s -X $pkg.gitMajor=1 -X $pkg.gitMinor=$minor -X $pkg.gitTreeState=clean"
done

once "$out" etcd -ldflags "$stamped" go.etcd.io/etcd/server/v3
wanted=(kube-apiserver kube-controller-manager kubectl)
[ "${1-}" != nodes ] || wanted+=(kube-scheduler kubelet kube-proxy)
for name in "${wanted[@]}"; do
	once "$out" "$name" -ldflags "$stamped" "k8s.io/kubernetes/cmd/$name"
done
if [ "${1-}" = nodes ]; then
	cd coredns # with dependencies of its own
	once "$out" coredns -ldflags "-s -w" .
fi
