#!/usr/bin/env bash
# Builds the command of this folder, which turns binaries into an image, into .cache/tools (which git
# ignores), and prints its path. Afterwards a stamp makes it free.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/tools
mkdir -p "$out"
exec 9>"$out/.image.lock" && flock 9 # tests and a developer may both want it

cd "$here"
stamp=$(cat go.mod go.sum ./*.go build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
if [ "$(cat "$out/.image.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/image" ]; then
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/image" .
	echo "$stamp" >"$out/.image.stamp"
fi
echo "$out/image"
