package annotations

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// What values look like, for people.
const (
	typeDuration = "duration"
	typeBool     = "true or false"
	typeSeconds  = "seconds"
	typeCIDRs    = "list of networks and addresses"
	typeCount    = "whole number"
	typeSize     = "bytes, with k, m or g"
	typeSecret   = "namespace/name or name"
	typeOnOff    = "on or off"
	typeHeaders  = "list of header names"
)

// ours reads a value of fairlead.dev/: durations have units, "0s", "0" and "off" are off.
func ours(set func(*draft, model.Timeout)) parser {
	return func(value string, d *draft) error {
		length, err := duration(value)
		if err != nil {
			return err
		}
		set(d, timeout(length))
		return nil
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
	return func(value string, d *draft) error {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			length, err := wholeSeconds(n)
			if err == nil {
				set(d, model.Timeout(length))
			}
			return err
		}
		length, err := time.ParseDuration(value)
		if err != nil || length <= 0 {
			return fmt.Errorf("%q is not a number of seconds", value)
		}
		set(d, model.Timeout(length))
		d.misread("%q is understood as %s; ingress-nginx reads whole seconds only and would have used %d s: write %d",
			value, short(length), fallback, int64(math.Ceil(length.Seconds())))
		return nil
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

// nginxUnits are the units of time in nginx's own configuration.
var nginxUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "M": 30 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}

var nginxTimePart = regexp.MustCompile(`^([0-9]{1,9})(ms|[smhdwMy]?)`)

// nginxTime reads a time as nginx's own configuration has it, such as 5m, 1h30m or 90.
func nginxTime(value string) (time.Duration, error) {
	var sum time.Duration
	for rest := value; rest != "" || value == ""; {
		part := nginxTimePart.FindStringSubmatch(rest)
		if part == nil {
			return 0, fmt.Errorf("%q is not a time such as 90s, 5m or 1h30m", value)
		}
		n, _ := strconv.Atoi(part[1]) // has up to nine digits
		unit := nginxUnits[part[2]]
		if time.Duration(n) > (math.MaxInt64-sum)/unit {
			return 0, fmt.Errorf("%q is too long", value)
		}
		sum += time.Duration(n) * unit
		rest = rest[len(part[0]):]
	}
	return sum, nil
}

var sizePattern = regexp.MustCompile(`^(?i)([0-9]{1,12})([bkmg]?)$`)

// size reads bytes as ingress-nginx does: 8m, 512k, 0.
func size(value string) (int64, error) {
	part := sizePattern.FindStringSubmatch(value)
	if part == nil {
		return 0, fmt.Errorf("%q is not a size: write bytes, or a number with k, m or g", value)
	}
	n, _ := strconv.ParseInt(part[1], 10, 64) // has up to twelve digits
	shift := map[string]uint{"k": 10, "m": 20, "g": 30}[strings.ToLower(part[2])]
	if n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is too large", value)
	}
	return n << shift, nil
}

// boolean reads what strconv.ParseBool does, as ingress-nginx.
func boolean(set func(*draft, bool)) parser {
	return func(value string, d *draft) error {
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		set(d, b)
		return nil
	}
}

// onOff reads the two words that nginx has for a switch.
func onOff(set func(*draft, bool)) parser {
	return choice([]option[bool]{{"on", true}, {"off", false}}, set)
}

// maxCount bounds counts and rates, so that no multiple of one overflows.
const maxCount = 1_000_000_000

// whole reads an integer between low and high.
func whole(low, high int, set func(*draft, int)) parser {
	return func(value string, d *draft) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is not a whole number from %d to %d", value, low, high)
		}
		set(d, n)
		return nil
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
	return func(value string, d *draft) error {
		means, err := choose(options, value)
		if err != nil {
			return err
		}
		set(d, means)
		return nil
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

// cidrs reads a list of networks and single addresses.
func cidrs(set func(*draft, []netip.Prefix)) parser {
	return func(value string, d *draft) error {
		parts, err := list(value)
		networks := make([]netip.Prefix, len(parts))
		for i := range parts {
			if networks[i], err = cidr(parts[i]); err != nil {
				return err
			}
		}
		if err == nil {
			set(d, networks)
		}
		return err
	}
}

func cidr(part string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(part); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
	}
	network, err := netip.ParsePrefix(part)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", part)
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}

// objectName is what Kubernetes calls a DNS subdomain.
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// reference reads the name of a Secret or ConfigMap, in another namespace if one stands before it.
func reference(key string, set func(*draft, *Ref)) parser {
	return func(value string, d *draft) error {
		namespace, name, both := strings.Cut(value, "/")
		if !both {
			namespace, name = "", value
		}
		if both && !isObjectName(namespace) || !isObjectName(name) {
			return fmt.Errorf("%q is not the name of an object: write name, or namespace/name", value)
		}
		set(d, &Ref{Key: key, Namespace: namespace, Name: name})
		return nil
	}
}

func isObjectName(name string) bool { return len(name) <= 253 && objectName.MatchString(name) }

// ownReference reads the name of an object in the namespace of the Ingress.
func ownReference(key string, set func(*draft, *Ref)) parser {
	return func(value string, d *draft) error {
		if strings.Contains(value, "/") {
			return fmt.Errorf("%q is in another namespace: write the name of a Secret in that of the Ingress", value)
		}
		return reference(key, set)(value, d)
	}
}

// token is what a cookie or header name is made of (RFC 9110 section 5.6.2, without the quotes
// that cookie parsers trip over).
var token = regexp.MustCompile(`^[-!#$%&*+.^_|~0-9A-Za-z]{1,128}$`)

// text reads anything that has no control characters and is not empty.
func text(limit int, set func(*draft, string)) parser {
	return func(value string, d *draft) error {
		if value == "" || len(value) > limit || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			return fmt.Errorf("%q is not a text of 1 to %d visible ASCII characters", value, limit)
		}
		set(d, value)
		return nil
	}
}

// list cuts a comma-separated list, drops the space around its parts and whatever is empty.
func list(value string) ([]string, error) {
	var parts []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if parts == nil {
		return nil, fmt.Errorf("%q is an empty list", value)
	}
	return parts, nil
}
