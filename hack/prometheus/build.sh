#!/usr/bin/env bash
# Builds what checks rules and queries, into .cache/tools (which git ignores), and prints the folder:
#
#   promtool    Prometheus' own, at the version that go.mod beside this file pins: checks rules and runs their tests
#   selectors   from the folder beside this file: tells which metrics and labels queries name
#
# promtool comes without the service discovery of clouds. Cold the two take a minute and a half on two cores;
# afterwards a stamp makes it free.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/.cache/tools
mkdir -p "$out"
exec 9>"$out/.prometheus.lock" && flock 9 # several tests may want it

cd "$here"
stamp=$(cat go.mod go.sum build.sh selectors/*.go <(go env GOVERSION GOOS GOARCH) | cksum)

build() { # name package
	[ "$(cat "$out/.$1.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$out/$1" ] || return 0
	printf 'building %-24s %s\n' "$1" "(once; kept in .cache/tools)" >&2
	local begin=$SECONDS
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags remove_all_sd -ldflags "-s -w" -o "$out/$1" "$2"
	echo "$stamp" >"$out/.$1.stamp"
	printf 'built    %-24s in %d s\n' "$1" $((SECONDS - begin)) >&2
}

build promtool github.com/prometheus/prometheus/cmd/promtool
build selectors ./selectors
echo "$out"
