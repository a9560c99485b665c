#!/usr/bin/env bash
# Builds helm-docs at the version that go.mod beside this file pins, into .cache/tools (which git ignores),
# and prints the binary's path. Cold it takes some seconds.
set -euo pipefail
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/tools
once "$out" helm-docs -ldflags "-s -w" github.com/norwoodj/helm-docs/cmd/helm-docs
echo "$out/helm-docs"
