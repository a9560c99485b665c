package annotations

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
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
func hashOn(value string, d *draft) error {
	parts, err := list(value)
	if err != nil {
		return err
	}
	keys := make([]model.HashOn, len(parts))
	for i, part := range parts {
		word, name, named := strings.Cut(part, ":")
		source, err := choose(hashSources, word)
		if err != nil {
			return err
		}
		name = strings.TrimSpace(name)
		switch wantsName := source <= model.HashQueryParam; {
		case wantsName && !token.MatchString(name):
			return fmt.Errorf("%q needs a name, such as %s:uid", part, word)
		case !wantsName && named:
			return fmt.Errorf("%q takes no name: write %s", part, word)
		}
		keys[i] = model.HashOn{Source: source, Name: name}
	}
	if len(keys) > maxHashOn {
		return fmt.Errorf("%d parts are too many: write at most %d", len(keys), maxHashOn)
	}
	d.hash(keys, "")
	return nil
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

// upstreamHashBy reads a text with variables. One that stands for one part of a request is hashed as
// that, without being written out first.
func upstreamHashBy(value string, d *draft) error {
	parsed, err := template.Parsed(value)
	switch variables := slices.Collect(parsed.Variables); {
	case err != nil:
		return fmt.Errorf("%w: write $remote_addr, $host, $request_uri, $uri, $args, $arg_NAME, $cookie_NAME or $http_NAME", err)
	case len(variables) == 0:
		return fmt.Errorf("%q names no variable, so all requests would have one hash: write one such as $remote_addr or $cookie_uid", value)
	case len(variables) == 1 && (value == "$"+variables[0] || value == "${"+variables[0]+"}"):
		if key, found := nginxVariable(variables[0]); found {
			d.hash([]model.HashOn{key}, "")
			return nil
		}
	}
	d.hash(nil, value)
	return nil
}

// hash chooses by hash, of either.
func (d *draft) hash(on []model.HashOn, template string) {
	d.Balance.HashOn, d.Balance.HashTemplate, d.Balance.Algorithm = on, template, model.ConsistentHash
}

// nginxVariable returns the one part of a request that a variable stands for, if it does.
func nginxVariable(name string) (model.HashOn, bool) {
	if key, found := nginxVariables[name]; found {
		return key, true
	}
	for _, p := range nginxPrefixes {
		rest, found := strings.CutPrefix(name, p.prefix)
		if !found {
			continue
		}
		if p.source == model.HashHeader {
			// nginx writes a header's dashes as underscores in the names of its variables.
			rest = http.CanonicalHeaderKey(strings.ReplaceAll(rest, "_", "-"))
		}
		return model.HashOn{Source: p.source, Name: rest}, true
	}
	return model.HashOn{}, false
}
