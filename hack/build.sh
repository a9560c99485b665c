#!/usr/bin/env bash
# Builds fairlead into the file that is named, for this machine or for a platform such as linux/arm64:
# the one way in which make build, images and releases are made. The binary is static, and is the same
# on every machine with the same version of Go.
#
# Version, commit and time come from git by hack/version.sh, or, where git is not, as in the Dockerfile,
# from VERSION, REVISION and CREATED. The go command's own stamp is off: git refuses to answer it when the
# checkout belongs to another user.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || [ $# = 2 ] || { echo "usage: hack/build.sh FILE [OS/ARCHITECTURE]" >&2 && exit 2; }

version=${VERSION:-$(hack/version.sh)}
revision=${REVISION:-$(hack/version.sh --revision)}
created=${CREATED:-$(hack/version.sh --created)}
if [ $# = 2 ]; then
	export GOOS=${2%%/*} GOARCH=${2#*/}
fi
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1" \
	-ldflags "-s -w -X main.version=$version -X main.revision=$revision -X main.created=$created" ./cmd/fairlead
