#!/usr/bin/env bash
# Builds Kubernetes from its Go modules, at the versions that go.mod beside this file pins, into
# .cache/kube (which git ignores). What is there in the right version is not built again.
#
#   hack/kube/build.sh          etcd, kube-apiserver, kube-controller-manager, kubectl
#   hack/kube/build.sh nodes    those, and what a node needs: kube-scheduler, kubelet, kube-proxy, CoreDNS
#
# Cold they take about five minutes and one more on two cores; afterwards a stamp makes it free.
set -euo pipefail
case "$*" in
"" | nodes) ;;
*) echo "usage: hack/kube/build.sh [nodes]" >&2 && exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/kube
mkdir -p "$out"
exec 9>"$out/.lock" && flock 9 # make test and make demo may both want it

cd "$here"
stamp=$(cat go.mod go.sum build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
k8s=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${k8s#v1.}
minor=${minor%%.*}

# Without these the binaries call themselves v0.0.0-master and kubectl warns of a version skew.
stampflags=""
for pkg in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	stampflags+=" -X $pkg.gitVersion=$k8s -X $pkg.gitMajor=1 -X $pkg.gitMinor=$minor -X $pkg.gitTreeState=clean"
done

build() { # name package
	[ "$(cat "$out/.$1.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/$1" ] || return 0
	printf 'building %-24s %s\n' "$1" "(once; kept in .cache/kube)"
	local begin=$SECONDS
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w $stampflags" -o "$out/$1" "$2"
	echo "$stamp" >"$out/.$1.stamp"
	printf 'built    %-24s in %d s\n' "$1" $((SECONDS - begin))
}

build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
build kubectl k8s.io/kubernetes/cmd/kubectl
[ "${1-}" = nodes ] || exit 0
build kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
build kubelet k8s.io/kubernetes/cmd/kubelet
build kube-proxy k8s.io/kubernetes/cmd/kube-proxy

cd coredns # with dependencies of its own
stamp=$(cat go.mod go.sum main.go ../build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
build coredns .
