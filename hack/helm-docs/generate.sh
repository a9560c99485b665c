#!/usr/bin/env bash
# Writes the chart's README.md from values.yaml, Chart.yaml and README.md.gotmpl.
#
#   hack/helm-docs/generate.sh            write it if it changed
#   hack/helm-docs/generate.sh --check    write nothing; exit 1 and show the difference when it is stale
set -euo pipefail
check=
case "$*" in
"") ;;
--check) check=yes ;;
*) echo "usage: hack/helm-docs/generate.sh [--check]" >&2 && exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
chart=$(cd "$here/../.." && pwd)/charts/fairlead
tool=$("$here/build.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In a copy, so that --check writes nothing.
cp "$chart"/{Chart.yaml,values.yaml,README.md.gotmpl} "$work"
"$tool" --chart-search-root "$work" --sort-values-order file --log-level warning
[ -s "$work/README.md" ] || { echo "helm-docs wrote nothing" >&2 && exit 1; } # it ends well all the same

cmp -s "$work/README.md" "$chart/README.md" && exit 0
if [ "$check" ]; then
	diff -u "$chart/README.md" "$work/README.md" >&2 || true
	echo "charts/fairlead/README.md is stale: run hack/helm-docs/generate.sh and commit what it wrote" >&2
	exit 1
fi
mv "$work/README.md" "$chart/README.md" && echo "wrote charts/fairlead/README.md"
