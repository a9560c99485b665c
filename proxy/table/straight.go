package table

import (
	"net/url"
	"strings"
)

// Straighten resolves the dot segments (RFC 3986 section 5.2.4) of a URL's path, "//" on the way too,
// and reports whether there were any. Requests are matched as if there were none: whoever asks an
// endpoint for the path as it was written leaves it to the endpoint where that leads, past the guards
// of the route that it leads to. Escaped dots and slashes count, as do dots with parameters ("..;x"),
// which servlet containers resolve.
//
// "//" alone stays: to some endpoints an empty segment says something.
func Straighten(u *url.URL) bool {
	if !strings.Contains(u.Path, "/.") || u.Path[0] != '/' {
		return false
	}
	found := false
	bare := make([]byte, 0, len(u.Path))
	for segment := range strings.SplitSeq(u.Path[1:], "/") {
		name, _, _ := strings.Cut(segment, ";")
		if name == "." || name == ".." {
			segment, found = name, true
		}
		bare = append(append(bare, '/'), segment...)
	}
	if found {
		u.Path, u.RawPath = normalize(string(bare)), ""
	}
	return found
}
