package annotations

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// maxAttempts bounds fairlead.dev/retries, as in a WebSocketRoute.
const maxAttempts = 16

var nginxRetryRows = []Row{
	{
		Name: "proxy-next-upstream", Type: "error, timeout, invalid_header, http_500, http_502, http_503, http_504, http_403, http_404, http_429, non_idempotent or off", Default: "error timeout", Example: "error timeout http_503",
		Doc:     "What an attempt may fail with to be made again at another endpoint.",
		Differs: "Never once a byte of an answer went to the client, nor within a session.",
		sets:    []string{"Retries.On", "Retries.Statuses"}, parse: nextUpstream,
	}, {
		Name: "proxy-next-upstream-timeout", Type: typeSeconds + ", 0 for none", Default: "0", Example: "10",
		Doc:   "Longest time after which another attempt may begin; as fairlead.dev/retry-timeout.",
		sets:  []string{"Retries.Timeout"},
		parse: orZero(nginxSeconds(0, setRetryTimeout), func(d *draft) { d.Retries.Timeout = model.Off }),
	}, {
		Name: "proxy-next-upstream-tries", Type: typeCount + ", 0 for all endpoints", Default: "3", Example: "2",
		Doc:  "Endpoints that are tried in all; as fairlead.dev/retries.",
		sets: []string{"Retries.Attempts", "Retries.Unlimited"},
		parse: whole(0, maxCount, func(d *draft, n int) {
			d.Retries.Attempts, d.Retries.Unlimited = n, n == 0
		}),
	},
}

var ourRetryRows = []Row{
	{
		Name: "retries", Type: "1 to 16", Default: "3", Example: "5",
		Doc:  "Endpoints that a handshake or request is tried at in all, while no byte of an answer was seen; 1 tries no other.",
		sets: []string{"Retries.Attempts", "Retries.Unlimited"},
		parse: whole(1, maxAttempts, func(d *draft, n int) {
			d.Retries.Attempts, d.Retries.Unlimited = n, false
		}),
	}, {
		Name: "retry-timeout", Type: typeDuration, Default: "off", Example: "5s",
		Doc:  "Longest time after which another attempt may begin.",
		sets: []string{"Retries.Timeout"}, parse: ours(setRetryTimeout),
	},
}

func setRetryTimeout(d *draft, t model.Timeout) { d.Retries.Timeout = t }

// orZero reads a bare 0, which parse would refuse.
func orZero(parse parser, zero func(*draft)) parser {
	return func(value string, d *draft) error {
		if value == "0" {
			zero(d)
			return nil
		}
		return parse(value, d)
	}
}

// retryWords are those of nginx's proxy_next_upstream that name a failure, and retryStatuses those
// that name an answer.
var (
	retryWords = map[string]model.RetryOn{
		"error": model.RetryError, "timeout": model.RetryTimeout, "invalid_header": model.RetryInvalidHeader,
		"non_idempotent": model.RetryNonIdempotent, "off": model.RetryNever,
	}
	retryStatuses = map[string]int{
		"http_500": http.StatusInternalServerError, "http_502": http.StatusBadGateway, "http_503": http.StatusServiceUnavailable,
		"http_504": http.StatusGatewayTimeout, "http_403": http.StatusForbidden, "http_404": http.StatusNotFound,
		"http_429": http.StatusTooManyRequests,
	}
)

func nextUpstream(value string, d *draft) error {
	var on model.RetryOn
	var statuses []int
	words := strings.Fields(value)
	for _, word := range words {
		failure, known := retryWords[word]
		status := retryStatuses[word]
		switch {
		case known:
			on |= failure
		case status != 0:
			statuses = append(statuses, status)
		default:
			return fmt.Errorf("%q is none of the failures that it may name", word)
		}
	}
	switch {
	case len(words) == 0:
		return fmt.Errorf("%q names no failure", value)
	case on&model.RetryNever != 0: // off beats the rest, as there
		on, statuses = model.RetryNever, nil
	case on == 0: // answers alone
		on = model.RetryNever
	}
	slices.Sort(statuses)
	d.Retries.On, d.Retries.Statuses = on, slices.Compact(statuses)
	return nil
}
