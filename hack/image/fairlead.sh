#!/usr/bin/env bash
# Makes the image of Fairlead without Docker: make image. The Dockerfile says what is in it.
#
#   TAG        what it is called: empty for that of the checkout, such as 0.1.0-dev
#   PLATFORMS  "linux/amd64 linux/arm64"
#   PUSH       also send it there, such as registry.example.com/fairlead:0.1.0
set -euo pipefail
cd "$(dirname "$0")/../.."
name=fairlead:${TAG:-$(hack/version.sh --tag)}
archive=dist/fairlead-image.tar

tool=$(hack/image/build.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
binaries=()
for platform in ${PLATFORMS:-linux/amd64 linux/arm64}; do
	file=$work/fairlead-${platform//\//-}
	hack/build.sh "$file" "$platform"
	binaries+=(--binary "$platform=$file")
done
version=$(hack/version.sh) created=$(hack/version.sh --created)
"$tool" --dockerfile Dockerfile --build-arg "VERSION=$version" \
	--build-arg "REVISION=$(hack/version.sh --revision)" --build-arg "CREATED=$created" --created "$created" \
	"${binaries[@]}" --tag "$name" --output "$archive" ${PUSH:+--push "$PUSH"}

echo
if [ -n "${PUSH:-}" ]; then
	echo "Install it: helm install fairlead charts/fairlead --set image.repository=${PUSH%:*} --set image.tag=${PUSH##*:}"
	exit
fi
cat <<END
Give it to the nodes of a cluster, one of:
  kind load image-archive $archive
  k3s ctr images import $archive
  ctr --namespace k8s.io images import $archive
to Docker, by docker load --input $archive, or to a registry:
  make image PUSH=registry.example.com/fairlead:${name#*:}
The nodes then have what the chart's defaults name: helm install fairlead charts/fairlead
END
