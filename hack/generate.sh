#!/usr/bin/env bash
# Makes everything that comes from Go comments: deep copies, the CRD, and the roles, in config/ and in the chart.
#
#   hack/generate.sh            write what changed
#   hack/generate.sh --check    write nothing; exit 1 and show the difference when a file is stale
#
# controller-gen is the one that hack/tools/go.mod pins; it is built once into .cache/tools.
set -euo pipefail
check=
case "$*" in
"") ;;
--check) check=yes ;;
*) echo "usage: hack/generate.sh [--check]" >&2 && exit 2 ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$root/.cache/tools
cd "$root/hack/tools"
. ../once.sh
once "$bin" controller-gen -ldflags "-s -w" sigs.k8s.io/controller-tools/cmd/controller-gen

cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/api" "$work/crd" "$work/rbac"

"$bin/controller-gen" object paths=./api/v1alpha1 output:object:dir="$work/api"
"$bin/controller-gen" crd paths=./api/v1alpha1 output:crd:dir="$work/crd"
go run ./hack/roles --from controllers --cluster "$work/rbac/role.yaml" --selector "$work/rbac/selector.yaml" --chart "$work/rbac/rules.tpl"

stale=0
place() { # made destination
	cmp -s "$1" "$2" && return 0
	if [ "$check" ]; then
		diff -u -N "$2" "$1" >&2 || stale=1
	else
		cp "$1" "$2" && echo "wrote ${2#"$root"/}"
	fi
}
place "$work/api/zz_generated.deepcopy.go" "$root/api/v1alpha1/zz_generated.deepcopy.go"
place "$work/crd/fairlead.dev_websocketroutes.yaml" "$root/config/crd/bases/fairlead.dev_websocketroutes.yaml"
place "$work/crd/fairlead.dev_websocketroutes.yaml" "$root/charts/fairlead/files/websocketroutes.yaml"
place "$work/rbac/role.yaml" "$root/config/rbac/role.yaml"
place "$work/rbac/selector.yaml" "$root/config/rbac/namespace-selector/role.yaml"
place "$work/rbac/rules.tpl" "$root/charts/fairlead/templates/rbac/_rules.tpl"

[ $stale = 0 ] || {
	echo "generated files are stale: run hack/generate.sh and commit what it wrote" >&2
	exit 1
}
