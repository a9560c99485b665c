#!/usr/bin/env bash
# Builds syft, which lists what a binary or an image is made of, at the version that go.mod beside this
# file pins, into .cache/tools (which git ignores), and prints the binary's path. Cold it takes some
# minutes on two cores; afterwards a stamp makes it free.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/tools
mkdir -p "$out"
exec 9>"$out/.syft.lock" && flock 9

cd "$here"
stamp=$(cat go.mod go.sum build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
if [ "$(cat "$out/.syft.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/syft" ]; then
	echo "building syft                    (once; kept in .cache/tools)" >&2
	begin=$SECONDS
	version=$(go list -m -f '{{.Version}}' github.com/anchore/syft)
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$out/syft" \
		-ldflags "-s -w -X main.version=${version#v}" github.com/anchore/syft/cmd/syft
	echo "$stamp" >"$out/.syft.stamp"
	echo "built    syft                    in $((SECONDS - begin)) s" >&2
fi
echo "$out/syft"
