package admit

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fairlead/fairlead/proxy/template"
)

const (
	// maxAnswers bounds the answers that are remembered for one route.
	maxAnswers = 4096
	// maxKey and maxTold bound the bytes of a key, and of what an answer has for endpoints, for it to be
	// remembered: together not more than 64 MiB for a route, and mostly 1.
	maxKey  = 8 << 10
	maxTold = 8 << 10
)

// answers remembers what a service said, by keys. It belongs to one route: nothing that was said for
// another counts.
type answers struct {
	flight singleflight.Group
	mu     sync.Mutex
	byKey  map[string]remembered
}

type remembered struct {
	*verdict
	until time.Time
}

func newAnswers() *answers { return &answers{byKey: map[string]remembered{}} }

// verdict returns what the service says, or has said to an equal key. Requests with equal keys ask
// once and wait for the same answer; one that may not be remembered is for whoever asked alone.
func (e *external) verdict(s *Subject, vars *template.Request) (*verdict, error) {
	ctx := s.Request.Context()
	question, err := e.question(s, vars)
	if err != nil {
		return nil, err
	}
	key := e.key(vars)
	if key == "" {
		v, _, err := e.ask(ctx, s.Services, question)
		return v, err
	}
	if v := e.remembered.get(key, time.Now()); v != nil {
		return v, nil
	}
	mine, services := false, s.Services
	flying := e.remembered.flight.DoChan(key, func() (any, error) {
		mine = true
		// Others wait too: it must not end with the client that happened to be first.
		v, header, err := e.ask(context.WithoutCancel(ctx), services, question)
		if err != nil {
			return nil, err
		}
		return flown{v, e.remember(key, v, header)}, nil
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case result := <-flying:
		if result.Err != nil {
			return nil, result.Err
		}
		if got := result.Val.(flown); got.shared || mine {
			return got.verdict, nil
		}
	}
	v, _, err := e.ask(ctx, services, question)
	return v, err
}

// flown is an answer that some may wait for.
type flown struct {
	*verdict
	shared bool // it was remembered, so it is for all of them
}

// key returns what a request has in common with those that get the same answer; "": nothing. A
// request that has none of the variables has nothing in common with anybody. What one host has let in
// says nothing about another.
func (e *external) key(vars *template.Request) string {
	if e.remembered == nil {
		return ""
	}
	asked, has := false, false
	key := e.cacheKey.Expand(func(variable string) string {
		value := vars.Value(variable)
		asked, has = true, has || value != ""
		return value
	})
	if asked && !has || len(key) > maxKey {
		return ""
	}
	return vars.Value("host") + "\x00" + key
}

// remember keeps an answer for as long as the route and the answer itself allow, and reports whether
// it did. One with a cookie is for a single client.
func (e *external) remember(key string, v *verdict, header http.Header) bool {
	keep, found := e.CacheFor[v.status]
	if !found {
		keep = e.CacheFor[0]
	}
	if keep = min(keep, freshness(header, keep)); keep <= 0 || len(v.cookies) > 0 || v.size() > maxTold {
		return false
	}
	e.remembered.put(key, v, time.Now(), keep)
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

func (a *answers) get(key string, now time.Time) *verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, found := a.byKey[key]
	if !found || !now.Before(r.until) {
		return nil
	}
	return r.verdict
}

// put remembers an answer. When there are too many, the outdated ones go, or else some.
func (a *answers) put(key string, v *verdict, now time.Time, keep time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.byKey) >= maxAnswers {
		maps.DeleteFunc(a.byKey, func(_ string, r remembered) bool { return !now.Before(r.until) })
		for some := range a.byKey {
			if len(a.byKey) < maxAnswers*7/8 {
				break
			}
			delete(a.byKey, some)
		}
	}
	a.byKey[key] = remembered{v, now.Add(keep)}
}
