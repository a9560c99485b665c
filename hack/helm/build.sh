#!/usr/bin/env bash
# Builds helm at the version that go.mod beside this file pins, into .cache/tools (which git ignores),
# and prints the binary's path. Cold it takes a minute or two; afterwards a stamp makes it free.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/tools
mkdir -p "$out"
exec 9>"$out/.helm.lock" && flock 9 # tests and a developer may both want it

cd "$here"
stamp=$(cat go.mod go.sum build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
if [ "$(cat "$out/.helm.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/helm" ]; then
	echo "building helm                    (once; kept in .cache/tools)" >&2
	begin=$SECONDS
	version=$(go list -m -f '{{.Version}}' helm.sh/helm/v4)
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$out/helm" \
		-ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" helm.sh/helm/v4/cmd/helm
	echo "$stamp" >"$out/.helm.stamp"
	echo "built    helm                    in $((SECONDS - begin)) s" >&2
fi
echo "$out/helm"
