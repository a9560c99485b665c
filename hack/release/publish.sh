#!/usr/bin/env bash
# Publishes the release that make release-dry-run made and tried: the image as REGISTRY/fairlead:<version>,
# the chart as REGISTRY/charts/fairlead, with the credentials of docker login. Nothing is made anew: the
# image is built again only to see that it is the one that was tried.
set -euo pipefail
cd "$(dirname "$0")/../.."
registry=${REGISTRY:?say where, such as REGISTRY=ghcr.io/fairlead}
registry=${registry%/}
version=$(hack/version.sh)
fail() { echo "publish: $*" >&2 && exit 1; }

archive=dist/release/fairlead_${version}_image.tar chart=dist/release/fairlead-$version.tgz
if ! [ -f "$archive" ] || ! [ -f "$chart" ]; then
	fail "$version is not in dist/release; first: make release-dry-run REGISTRY=$registry"
fi
case $version in *.dirty) fail "$version: there are changes that are not committed" ;; esac
helm=$(hack/helm/build.sh)
"$helm" show values "$chart" | grep -q "^  repository: $registry/fairlead\$" ||
	fail "the chart names another image than $registry/fairlead; make release-dry-run REGISTRY=$registry"

again=$(mktemp)
trap 'rm -f "$again"' EXIT
TAG=$version OUTPUT=$again PUSH='' hack/image/fairlead.sh >/dev/null
cmp "$archive" "$again" || fail "the image of this checkout is not the one that was tried: is it another version of Go?"

TAG=$version OUTPUT=$again PUSH=$registry/fairlead:$version hack/image/fairlead.sh
plain=()
case $registry in localhost:* | 127.0.0.1:*) plain=(--plain-http) ;; esac
"$helm" push "$chart" "oci://$registry/charts" "${plain[@]}"
