package annotations

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// maxHashOn bounds the parts of a hash key, as in a WebSocketRoute.
const maxHashOn = 8

var hashSources = []option[model.HashSource]{
	{"header", model.HashHeader},
	{"cookie", model.HashCookie},
	{"query-param", model.HashQueryParam},
	{"source-ip", model.HashSourceIP},
	{"host", model.HashHost},
	{"path", model.HashPath},
	{"uri", model.HashURI},
}

// hashOn reads a list such as "cookie:uid, source-ip". It asks for the algorithm as well: nobody
// names a key that is not to count.
func hashOn(value string, d *draft) (string, error) {
	var list []model.HashOn
	for _, part := range splitList(value) {
		word, name, named := strings.Cut(part, ":")
		source, err := choose(hashSources, word)
		if err != nil {
			return "", err
		}
		name = strings.TrimSpace(name)
		switch wantsName := source <= model.HashQueryParam; {
		case wantsName && !token.MatchString(name):
			return "", fmt.Errorf("%q needs a name, such as %s:uid", part, word)
		case !wantsName && named:
			return "", fmt.Errorf("%q takes no name: write %s", part, word)
		}
		list = append(list, model.HashOn{Source: source, Name: name})
	}
	if len(list) > maxHashOn {
		return "", fmt.Errorf("%d parts are too many: write at most %d", len(list), maxHashOn)
	}
	d.Balance.HashOn, d.Balance.Algorithm = list, model.ConsistentHash
	return "", nil
}

// nginxVariables are the variables that name one thing to hash.
var nginxVariables = map[string]model.HashOn{
	"remote_addr":        {Source: model.HashSourceIP},
	"binary_remote_addr": {Source: model.HashSourceIP},
	"host":               {Source: model.HashHost},
	"http_host":          {Source: model.HashHost},
	"server_name":        {Source: model.HashHost},
	"request_uri":        {Source: model.HashURI},
	"uri":                {Source: model.HashPath},
}

// nginxPrefixes are the families of variables that have a name in them.
var nginxPrefixes = []struct {
	prefix string
	source model.HashSource
}{
	{"arg_", model.HashQueryParam},
	{"cookie_", model.HashCookie},
	{"http_", model.HashHeader},
}

// upstreamHashBy reads one variable of nginx. It could be any text with variables in it there;
// what has no counterpart is refused with what to write instead.
func upstreamHashBy(value string, d *draft) (string, error) {
	name, isVariable := strings.CutPrefix(strings.TrimSpace(value), "$")
	if inner, braced := strings.CutPrefix(name, "{"); braced {
		name, braced = strings.CutSuffix(inner, "}")
		isVariable = isVariable && braced
	}
	switch {
	case !isVariable:
		return "", fmt.Errorf("%q names no variable: write one such as $remote_addr or $cookie_uid", value)
	case strings.ContainsAny(name, "${}"):
		return "", fmt.Errorf("%q combines several variables, which is %w: name one, or list alternatives in fairlead.dev/hash-on", value, errUnsupported)
	}
	key, err := nginxVariable(name)
	if err != nil {
		return "", err
	}
	d.Balance.HashOn, d.Balance.Algorithm = []model.HashOn{key}, model.ConsistentHash
	return "", nil
}

func nginxVariable(name string) (model.HashOn, error) {
	if key, found := nginxVariables[name]; found {
		return key, nil
	}
	for _, p := range nginxPrefixes {
		rest, found := strings.CutPrefix(name, p.prefix)
		if !found || !token.MatchString(rest) {
			continue
		}
		if p.source == model.HashHeader {
			// nginx writes a header's dashes as underscores in the names of its variables.
			rest = http.CanonicalHeaderKey(strings.ReplaceAll(rest, "_", "-"))
		}
		return model.HashOn{Source: p.source, Name: rest}, nil
	}
	switch name {
	case "args", "scheme", "request_method":
		return model.HashOn{}, fmt.Errorf("hashing $%s is %w: hash $request_uri, or one parameter with $arg_NAME", name, errUnsupported)
	}
	return model.HashOn{}, fmt.Errorf("$%s is not a variable that Fairlead knows: write $remote_addr, $host, $request_uri, $uri, $arg_NAME, $cookie_NAME or $http_NAME", name)
}
