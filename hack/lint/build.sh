#!/usr/bin/env bash
# Builds golangci-lint at the version that go.mod beside this file pins, into .cache/tools (which
# git ignores), and prints the binary's path.
#
# It is a module of its own because a linter's two hundred dependencies must not decide the versions
# of ours. Cold it takes some minutes on two cores. It refuses code newer than the Go that built it.
set -euo pipefail
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/tools
once "$out" golangci-lint -ldflags "-s -w" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
echo "$out/golangci-lint"
