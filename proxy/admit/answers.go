package admit

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/proxy/template"
)

const (
	// maxAnswers bounds the answers that are remembered for one route.
	maxAnswers = 4096
	// maxTold bounds the bytes that an answer has for endpoints, for it to be remembered: that makes not
	// more than 32 MiB for a route, and mostly less than 1.
	maxTold = 8 << 10
)

// answers remembers what a service said, by keys. It belongs to one route: nothing that was said for
// another counts.
type answers struct {
	mu      sync.Mutex
	byKey   map[key]remembered
	flights map[key]*flight
}

// key identifies those who get the same answer. It is a hash: what clients write takes no room, however
// long it is.
type key [sha256.Size]byte

type remembered struct {
	*verdict
	until time.Time
}

func newAnswers() *answers {
	return &answers{byKey: map[key]remembered{}, flights: map[key]*flight{}}
}

// verdict returns what the service says, or has said to an equal key. Requests with equal keys ask
// once and wait for the same answer; one that may not be remembered is for whoever asked alone.
func (e *external) verdict(s *Subject, vars *template.Request) (*verdict, error) {
	ctx := s.Request.Context()
	question, err := e.question(s, vars)
	if err != nil {
		return nil, err
	}
	k, found := e.key(vars, question)
	if !found {
		v, _, err := e.ask(ctx, s.Services, question)
		return v, err
	}
	if v := e.remembered.get(k, time.Now()); v != nil {
		return v, nil
	}
	return e.together(ctx, k, s.Services, question)
}

// key returns what a request has in common with those that get the same answer; false: nothing. A
// request that has none of the variables has nothing in common with anybody. What one host has let in
// says nothing about another, nor does a header that the service does not get to see.
func (e *external) key(vars *template.Request, question *http.Request) (k key, found bool) {
	if e.remembered == nil {
		return key{}, false
	}
	seen := *vars.Request
	seen.Header = question.Header
	asked, has := false, false
	text := e.cacheKey.Expand(func(variable string) string {
		value := (&template.Request{Request: &seen, Client: vars.Client, Secure: vars.Secure}).Value(variable)
		asked, has = true, has || value != ""
		return value
	})
	if asked && !has {
		return key{}, false
	}
	return sha256.Sum256([]byte(vars.Value("host") + "\x00" + text)), true
}

// remember keeps an answer for as long as the route and the answer itself allow, and reports whether
// it did. One with a cookie is for a single client.
func (e *external) remember(k key, v *verdict, header http.Header) bool {
	keep, found := e.CacheFor[v.status]
	if !found {
		keep = e.CacheFor[0]
	}
	if keep = min(keep, freshness(header, keep)); keep <= 0 || len(v.cookies) > 0 || v.size() > maxTold {
		return false
	}
	e.remembered.put(k, v, time.Now(), keep)
	return true
}

// size is about how much memory a verdict takes, in bytes.
func (v *verdict) size() int {
	n := len(v.challenge)
	for name, values := range v.told {
		n += len(name)
		for _, value := range values {
			n += len(value)
		}
	}
	return n
}

// freshness returns how long an answer allows to be remembered (RFC 9111 section 5.2.2), or otherwise.
func freshness(header http.Header, otherwise time.Duration) time.Duration {
	for _, line := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
			switch name {
			case "no-store", "no-cache", "private":
				return 0
			case "max-age", "s-maxage":
				if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
					otherwise = min(otherwise, time.Duration(seconds)*time.Second)
				}
			}
		}
	}
	return otherwise
}

func (a *answers) get(k key, now time.Time) *verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, found := a.byKey[k]
	if !found || !now.Before(r.until) {
		return nil
	}
	return r.verdict
}

// put remembers an answer. When there are too many, the outdated ones go, or else some.
func (a *answers) put(k key, v *verdict, now time.Time, keep time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.byKey) >= maxAnswers {
		maps.DeleteFunc(a.byKey, func(_ key, r remembered) bool { return !now.Before(r.until) })
		for some := range a.byKey {
			if len(a.byKey) < maxAnswers*7/8 {
				break
			}
			delete(a.byKey, some)
		}
	}
	a.byKey[k] = remembered{v, now.Add(keep)}
}
