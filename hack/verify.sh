#!/usr/bin/env bash
# Checks everything that needs no running system: make verify.
#
# All checks run, the cheap ones first; what failed is listed at the end with how to mend it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

failed=()
check() { # what, how to mend it, command…
	local what=$1 mend=$2 begin=$SECONDS out
	shift 2
	printf '%-28s' "$what"
	if out=$("$@" 2>&1); then
		printf 'ok   %3d s\n' $((SECONDS - begin))
		return
	fi
	printf 'FAIL %3d s\n%s\n' $((SECONDS - begin)) "$out"
	failed+=("$what: $mend")
}

ours() { find . \( -name .git -o -name .cache -o -name bin -o -name dist \) -prune -o -type f "$@" -print; }

scripts() {
	local script status=0
	while read -r script; do
		bash -n "$script" || status=1
		# What has no first line with an interpreter is sourced.
		[ -x "$script" ] || [ "$(head -c 2 "$script")" != '#!' ] || { echo "$script is not executable" && status=1; }
	done < <(ours \( -name '*.sh' -o -path ./.ci/run \))
	return $status
}

formatted() {
	local names
	names=$(ours -name '*.go' | xargs gofmt -l) || return
	[ -z "$names" ] && return
	echo "$names" && return 1
}

# The engine that waits in goroutines is built for other systems, and for Linux by a tag.
vet() {
	go vet ./... && go vet -tags portable ./proxy/... ./cmd/... &&
		GOOS=darwin go vet ./proxy/... && GOOS=darwin go build -o /dev/null ./cmd/fairlead
}

docs() {
	local out
	out=$(go test -run Docs ./controllers/annotations ./proxy/observe ./config/crd) && ! grep -q 'no tests to run' <<<"$out" && return
	echo "$out" && return 1
}

lint() {
	local linter
	linter=$(hack/lint/build.sh) || return
	"$linter" run ./...
}

check "shell scripts" "mend the syntax, or chmod +x" scripts
check "gofmt" "make fmt" formatted
check "generated files" "make generate, and commit what it wrote" hack/generate.sh --check
check "README of the chart" "hack/helm-docs/generate.sh, and commit what it wrote" hack/helm-docs/generate.sh --check
check "go mod tidy" "go mod tidy" go mod tidy -diff
check "go vet" "mend what is named; proxy/ has files for Linux, for other systems and for the tag portable" vet
check "dependency rules" "see docs/architecture.md; a rule that is wrong is changed by a decision record" \
	go test ./test/architecture
check "hack/image" "cd hack/image, and see what go test says" go -C hack/image test ./...
check "docs are current" "each message names the file and what to change" docs
hack/lint/build.sh >/dev/null # takes minutes the first time, and says so
check "golangci-lint" "make fmt mends imports; otherwise mend what is named, or //nolint:linter // why" lint

[ ${#failed[@]} = 0 ] && exit 0
printf '\n%d of the checks failed. What to do:\n' ${#failed[@]}
printf '  %s\n' "${failed[@]}"
exit 1
