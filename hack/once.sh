# shellcheck shell=bash
# Sourced by the scripts that build programs from Go modules. It is no program itself.
#
# once builds a program in the module of the current folder, unless it is there already, built by the same Go
# from the same versions, source and arguments. Two that want it at the same time don't build it twice.
once() { # folder name argument-of-go-build…
	local folder=$1 name=$2 begin=$SECONDS stamp lock
	shift 2
	mkdir -p "$folder"
	exec {lock}>"$folder/.$name.lock" && flock "$lock"
	stamp=$({ cat go.mod go.sum && find . -name '*.go' -exec cat {} + && go env GOVERSION GOOS GOARCH && echo "$@"; } | cksum)
	if [ "$(cat "$folder/.$name.stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$folder/$name" ]; then
		printf 'building %-24s (once; kept in %s)\n' "$name" ".cache/${folder##*/}" >&2
		CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$folder/$name" "$@"
		echo "$stamp" >"$folder/.$name.stamp"
		printf 'built    %-24s in %d s\n' "$name" $((SECONDS - begin)) >&2
	fi
	exec {lock}>&-
}
