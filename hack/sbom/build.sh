#!/usr/bin/env bash
# Builds syft, which lists what a binary or an image is made of, at the version that go.mod beside this
# file pins, into .cache/tools (which git ignores), and prints the binary's path. Cold it takes some
# minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/tools
version=$(go list -m -f '{{.Version}}' github.com/anchore/syft)
once "$out" syft -ldflags "-s -w -X main.version=${version#v}" github.com/anchore/syft/cmd/syft
echo "$out/syft"
