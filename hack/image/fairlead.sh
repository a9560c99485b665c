#!/usr/bin/env bash
# Makes the image of Fairlead without Docker: make image. The Dockerfile says what is in it.
#
#   TAG        what it is called: empty for that of the checkout, such as 0.1.0-dev
#   PLATFORMS  "linux/amd64 linux/arm64"
#   OUTPUT     the archive to write: empty for dist/fairlead-image.tar
#   PUSH       also send it there, such as registry.example.com/fairlead:0.1.0
set -euo pipefail
cd "$(dirname "$0")/../.."
name=fairlead:${TAG:-$(hack/version.sh --tag)}
archive=${OUTPUT:-dist/fairlead-image.tar}

tool=$(hack/image/build.sh)
# Asked once, for all platforms; hack/build.sh takes them too.
export VERSION=${VERSION:-$(hack/version.sh)} REVISION=${REVISION:-$(hack/version.sh --revision)} CREATED=${CREATED:-$(hack/version.sh --created)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
binaries=()
for platform in ${PLATFORMS:-linux/amd64 linux/arm64}; do
	file=$work/fairlead-${platform//\//-}
	hack/build.sh "$file" "$platform"
	binaries+=(--binary "$platform=$file")
done
"$tool" --dockerfile Dockerfile --build-arg "VERSION=$VERSION" --build-arg "REVISION=$REVISION" --build-arg "CREATED=$CREATED" \
	--created "$CREATED" "${binaries[@]}" --tag "$name" --output "$archive" ${PUSH:+--push "$PUSH"}

[ -z "${OUTPUT:-}" ] || exit 0
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
