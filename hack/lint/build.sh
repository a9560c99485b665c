#!/usr/bin/env bash
# Builds golangci-lint at the version that go.mod beside this file pins, into .cache/tools (which
# git ignores), and prints the binary's path.
#
# It is a module of its own because a linter's two hundred dependencies must not decide the versions
# of ours. Cold it takes some minutes on two cores; afterwards a stamp makes it free.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/tools
mkdir -p "$out"
exec 9>"$out/.lock" && flock 9 # make lint and make verify may both want it

cd "$here"
# The Go version belongs to the stamp: a linter refuses code newer than the Go that built it.
stamp=$(cat go.mod go.sum build.sh <(go env GOVERSION GOOS GOARCH) | cksum)
if [ "$(cat "$out/.golangci-lint.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/golangci-lint" ]; then
	echo "building golangci-lint           (once; kept in .cache/tools)" >&2
	begin=$SECONDS
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/golangci-lint" \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	echo "$stamp" >"$out/.golangci-lint.stamp"
	echo "built    golangci-lint           in $((SECONDS - begin)) s" >&2
fi
echo "$out/golangci-lint"
