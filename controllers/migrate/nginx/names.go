package nginx

import (
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
)

var notOfName = regexp.MustCompile(`[^a-z0-9]+`)

// longestName leaves room for what is appended to a name of 63 characters.
const longestName = 52

// objectName makes a name that Kubernetes takes (RFC 1035 label) of any text. Long ones are cut and
// get a hash, so that they stay different.
func objectName(text, fallback string) string {
	name := strings.Trim(notOfName.ReplaceAllString(strings.ToLower(text), "-"), "-")
	if name == "" {
		return fallback
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = fallback + "-" + name
	}
	if len(name) > longestName {
		h := fnv.New32a()
		_, _ = h.Write([]byte(text))
		name = strings.TrimRight(name[:longestName-9], "-") + "-" + strconv.FormatUint(uint64(h.Sum32()), 16)
	}
	return name
}

// taken hands out each name once.
type taken map[string]bool

func (t taken) unique(name string) string {
	result := name
	for n := 2; t[result]; n++ {
		result = name + "-" + strconv.Itoa(n)
	}
	t[result] = true
	return result
}

// dnsName is what the API takes as host: lower-case labels, maybe behind one wildcard label.
var dnsName = regexp.MustCompile(`^(?:\*\.)?[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)*$`)
