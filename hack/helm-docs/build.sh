#!/usr/bin/env bash
# Builds helm-docs at the version that go.mod beside this file pins, into .cache/tools (which git ignores),
# and prints the binary's path. Cold it takes some seconds; afterwards a stamp makes it free.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/tools
mkdir -p "$out"
exec 9>"$out/.helm-docs.lock" && flock 9 # make generate and make verify may both want it

cd "$here"
stamp=$(cat go.mod go.sum build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
if [ "$(cat "$out/.helm-docs.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/helm-docs" ]; then
	echo "building helm-docs               (once; kept in .cache/tools)" >&2
	begin=$SECONDS
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/helm-docs" \
		github.com/norwoodj/helm-docs/cmd/helm-docs
	echo "$stamp" >"$out/.helm-docs.stamp"
	echo "built    helm-docs               in $((SECONDS - begin)) s" >&2
fi
echo "$out/helm-docs"
