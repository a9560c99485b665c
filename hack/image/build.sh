#!/usr/bin/env bash
# Builds the command of this folder, which turns binaries into an image, into .cache/tools (which git
# ignores), and prints its path.
set -euo pipefail
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/tools
once "$out" image -ldflags "-s -w" .
echo "$out/image"
