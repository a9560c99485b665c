#!/usr/bin/env bash
# Builds what checks rules and queries, into .cache/tools (which git ignores), and prints the folder:
#
#   promtool    Prometheus' own, at the version that go.mod beside this file pins: checks rules and runs their tests
#   selectors   from the folder beside this file: tells which metrics and labels queries name
#
# promtool comes without the service discovery of clouds. Cold the two take a minute and a half on two cores.
set -euo pipefail
cd "$(dirname "$0")"
. ../once.sh
out=$(cd ../.. && pwd)/.cache/tools
once "$out" promtool -tags remove_all_sd -ldflags "-s -w" github.com/prometheus/prometheus/cmd/promtool
once "$out" selectors -tags remove_all_sd -ldflags "-s -w" ./selectors
echo "$out"
