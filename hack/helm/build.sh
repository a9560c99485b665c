#!/usr/bin/env bash
# Builds helm at the version that go.mod beside this file pins, into .cache/tools (which git ignores),
# and prints the binary's path. Cold it takes a minute or two.
set -euo pipefail
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/tools
version=$(go list -m -f '{{.Version}}' helm.sh/helm/v4)
once "$out" helm -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" helm.sh/helm/v4/cmd/helm
echo "$out/helm"
