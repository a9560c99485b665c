#!/usr/bin/env bash
# Rewrites hack/kube/go.mod and go.sum for one Kubernetes version:  hack/kube/gen.sh 1.37.1
#
# k8s.io/kubernetes requires its staging modules at v0.0.0 and points them at ./staging/src with
# replace lines. The go command ignores the replace lines of a dependency, so each of them is
# repeated here, aimed at the module's published version (Kubernetes 1.X.Y is v0.X.Y).
set -euo pipefail
version=v${1:?usage: hack/kube/gen.sh VERSION, such as 1.37.1}
cd "$(dirname "$0")"

upstream=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^[[:space:]]*"GoMod": "\(.*\)",*$/\1/p')
etcd=$(awk '$1 == "go.etcd.io/etcd/server/v3" { print $2; exit }' "$upstream")

rm -f go.sum
{
	printf '// Written by hack/kube/gen.sh %s: what tests and the demo run of Kubernetes. Do not edit.\n' "${version#v}"
	printf 'module github.com/fairlead/fairlead/hack/kube\n\n'
	grep -E '^(go|godebug) ' "$upstream"
	printf '\nrequire k8s.io/kubernetes %s\n\nreplace (\n' "$version"
	awk -v v="v0.${version#v1.}" '/=> \.\/staging\// { m = ($1 == "replace") ? $2 : $1; print "\t" m " => " m " " v }' "$upstream"
	printf ')\n'
} >go.mod

# Every tool is asked for at a fixed version: a bare "go get -tool" would also upgrade what they share.
go get -tool \
	"k8s.io/kubernetes/cmd/kube-apiserver@$version" \
	"k8s.io/kubernetes/cmd/kube-controller-manager@$version" \
	"k8s.io/kubernetes/cmd/kubectl@$version" \
	"k8s.io/kubernetes/cmd/kube-scheduler@$version" \
	"k8s.io/kubernetes/cmd/kubelet@$version" \
	"k8s.io/kubernetes/cmd/kube-proxy@$version" \
	"go.etcd.io/etcd/server/v3@$etcd"
