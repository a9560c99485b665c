package annotations

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// parser is the signature of Row.parse.
type parser = func(value string, d *draft) (note string, err error)

// ours reads a value of fairlead.dev/: durations have units, "0s", "0" and "off" are off.
func ours(set func(*draft, model.Timeout)) parser {
	return func(value string, d *draft) (string, error) {
		length, err := duration(value)
		if err != nil {
			return "", err
		}
		set(d, timeout(length))
		return "", nil
	}
}

// keepalive has the data plane judge what a value makes of the draft's keepalive.
func keepalive(parse parser) parser {
	return func(value string, d *draft) (string, error) {
		note, err := parse(value, d)
		if err == nil {
			err = d.Keepalive.Validate()
		}
		return note, err
	}
}

// timeout turns a length of time, where 0 is off, into the data plane's type.
func timeout(length time.Duration) model.Timeout {
	if length == 0 {
		return model.Off
	}
	return model.Timeout(length)
}

// duration reads "1h30m", "500ms", or one of the words for none. A bare number is refused: nobody
// could tell seconds (ingress-nginx) from milliseconds (HAProxy).
func duration(value string) (time.Duration, error) {
	if value == "0" || strings.EqualFold(value, "off") {
		return 0, nil
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return 0, fmt.Errorf("%q has no unit: write %[1]ss for seconds or %[1]sms for milliseconds", value)
	}
	length, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write numbers with a unit of h, m, s or ms, such as 1h30m or 500ms", value)
	}
	if length < 0 {
		return 0, fmt.Errorf("%q is negative: write a longer duration, or \"off\"", value)
	}
	return length, nil
}

// nginxSeconds reads a value of ingress-nginx, which knows whole seconds only and silently falls
// back to its own default, fallback seconds, for anything else. A duration with a unit is
// understood, and told, because its owner believes that it counts there too.
func nginxSeconds(fallback int, set func(*draft, model.Timeout)) parser {
	return func(value string, d *draft) (string, error) {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			length, err := wholeSeconds(n)
			if err == nil {
				set(d, model.Timeout(length))
			}
			return "", err
		}
		length, err := time.ParseDuration(value)
		if err != nil || length <= 0 {
			return "", fmt.Errorf("%q is not a number of seconds", value)
		}
		set(d, model.Timeout(length))
		return fmt.Sprintf("%q is understood as %s; ingress-nginx reads whole seconds only and would have used %d s: write %d",
			value, short(length), fallback, int64(math.Ceil(length.Seconds()))), nil
	}
}

// wholeSeconds refuses what would be no time at all, or overflow a time.Duration.
func wholeSeconds(n int64) (time.Duration, error) {
	if n < 1 {
		return 0, fmt.Errorf("%d seconds is no usable time: write 1 or more (a fairlead.dev/ annotation can say \"off\")", n)
	}
	if n > math.MaxInt64/int64(time.Second) {
		return 0, fmt.Errorf("%d seconds is too long: write at most %d", n, math.MaxInt64/int64(time.Second))
	}
	return time.Duration(n) * time.Second, nil
}

// short writes a duration without the zero units of time.Duration.String: 1h, not 1h0m0s.
func short(length time.Duration) string {
	s := length.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// boolean reads what strconv.ParseBool does, as ingress-nginx.
func boolean(set func(*draft, bool)) parser {
	return func(value string, d *draft) (string, error) {
		b, err := strconv.ParseBool(value)
		if err != nil {
			return "", fmt.Errorf("%q is neither true nor false", value)
		}
		set(d, b)
		return "", nil
	}
}

// whole reads an integer between low and high.
func whole(low, high int, set func(*draft, int)) parser {
	return func(value string, d *draft) (string, error) {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return "", fmt.Errorf("%q is not a whole number from %d to %d", value, low, high)
		}
		set(d, n)
		return "", nil
	}
}

// option is one word that an annotation may say, and what it means.
type option[T any] struct {
	word  string
	means T
}

// choice reads one of a few words. Case and dashes count for nothing, so that the CamelCase of a
// WebSocketRoute is understood too.
func choice[T any](options []option[T], set func(*draft, T)) parser {
	return func(value string, d *draft) (string, error) {
		means, err := choose(options, value)
		if err != nil {
			return "", err
		}
		set(d, means)
		return "", nil
	}
}

func choose[T any](options []option[T], value string) (means T, err error) {
	i := slices.IndexFunc(options, func(o option[T]) bool { return plain(o.word) == plain(value) })
	if i < 0 {
		words := make([]string, len(options))
		for i, o := range options {
			words[i] = o.word
		}
		return means, fmt.Errorf("%q is not one of %s", value, strings.Join(words, ", "))
	}
	return options[i].means, nil
}

func plain(word string) string {
	return strings.ToLower(strings.ReplaceAll(word, "-", ""))
}

// token is what a cookie or header name is made of (RFC 9110 section 5.6.2, without the quotes
// that cookie parsers trip over).
var token = regexp.MustCompile(`^[-!#$%&*+.^_|~0-9A-Za-z]{1,128}$`)

func cookieName(value string) error {
	if !token.MatchString(value) {
		return fmt.Errorf("%q is not a cookie's name: up to 128 letters, digits and - _ . ! # $ %% & * + ^ | ~", value)
	}
	return nil
}

// outsideCookie reports what may not stand in an attribute of Set-Cookie (RFC 6265 section 4.1.1).
func outsideCookie(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' }

func cookiePath(value string, d *draft) (string, error) {
	if !strings.HasPrefix(value, "/") || strings.ContainsFunc(value, outsideCookie) {
		return "", fmt.Errorf("%q is not a cookie's path: it starts with / and has no space and no semicolon", value)
	}
	d.Sticky.Path = value
	return "", nil
}

var domainName = regexp.MustCompile(`^\.?[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?(\.[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?)*$`)

func cookieDomain(value string, d *draft) (string, error) {
	if len(value) > 253 || !domainName.MatchString(value) {
		return "", fmt.Errorf("%q is not a domain name", value)
	}
	d.Sticky.Domain = value
	return "", nil
}

// cookieSeconds reads Max-Age or Expires of ingress-nginx: seconds, where 0 and less would delete
// the cookie at once.
func cookieSeconds(value string, d *draft) (string, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return "", fmt.Errorf("%q is not a number of seconds", value)
	}
	d.Sticky.MaxAge, err = wholeSeconds(n)
	return "", err
}

// rewriteTarget reads a new path with references to groups.
func rewriteTarget(value string, d *draft) (string, error) {
	switch {
	case strings.Contains(value, "://"):
		return "", fmt.Errorf("%q is a URL, and redirects are %w: write a path such as /$1", value, errUnsupported)
	case !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "$"):
		return "", fmt.Errorf("%q is not a path: it must start with / or with a group such as $1", value)
	case strings.ContainsFunc(value, isControl):
		return "", errors.New("the path has a space or control character: percent-encode it")
	}
	d.RewriteTarget = value
	return "", nil
}

func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

var hostHeader = regexp.MustCompile(`^[0-9A-Za-z]([-._0-9A-Za-z]*[0-9A-Za-z])?(:[0-9]{1,5})?$`)

func rewriteHost(value string, d *draft) (string, error) {
	if len(value) > 253 || !hostHeader.MatchString(value) {
		return "", fmt.Errorf("%q is not a host: write a name such as chat.internal, with a port if need be", value)
	}
	d.RewriteHost = value
	return "", nil
}

// splitList cuts a comma-separated list and drops the space around its parts.
func splitList(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
