#!/usr/bin/env bash
# Prints the version of this checkout, from git: that of the tag on it (v1.2.3 is 1.2.3), or else the one
# that is being made, with the number of commits and the commit: 0.1.0-dev.323.gda9d950. Changes that are
# not committed add ".dirty". It is a Semantic Version without a "+", so that image tags may carry it.
#
#   hack/version.sh             0.1.0-dev.323.gda9d950
#   hack/version.sh --tag       0.1.0-dev, what images and the chart of a checkout are called
#   hack/version.sh --revision  the commit; empty without git
#   hack/version.sh --created   the time of the commit, so that the same commit gives the same files
set -euo pipefail
cd "$(dirname "$0")/.."
next=$(sed -n 's/^appVersion: //p' charts/fairlead/Chart.yaml)
git() { command git -c safe.directory='*' "$@" 2>/dev/null; } # a checkout may belong to another user

if tag=$(git describe --exact-match --match 'v[0-9]*' HEAD) && git diff --quiet HEAD; then
	version=${tag#v} next=$version
elif commit=$(git rev-parse --short=7 HEAD); then
	version=$next.$(git rev-list --count HEAD).g$commit
	git diff --quiet HEAD || version+=.dirty
else
	version=$next # an archive without git
fi
case "$*" in
"") echo "$version" ;;
--tag) echo "$next" ;;
--revision) git rev-parse HEAD || true ;;
--created) TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd || true ;;
*) echo "usage: hack/version.sh [--tag | --revision | --created]" >&2 && exit 2 ;;
esac
