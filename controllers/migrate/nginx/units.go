package nginx

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// timeUnits are nginx's, in the order in which they must stand (documentation, "Configuration file
// measurement units").
var timeUnits = []struct {
	name   string
	length time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"M", 30 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// longest is as long as a Duration of the API can be written with one number.
const longest = 99999 * time.Hour

// parseTime reads a time as nginx does: numbers with units, the largest first; a number alone is
// seconds.
func parseTime(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no time as nginx writes it, such as 60, 60s or 1h30m", text)
	rest, total, unit := strings.ReplaceAll(text, " ", ""), time.Duration(0), -1
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[digits:]
		next := timeUnit(rest)
		if next < 0 || next <= unit {
			return 0, bad
		}
		unit = next
		rest = strings.TrimPrefix(rest, timeUnits[unit].name)
		if n > int64((longest-total)/timeUnits[unit].length) {
			return longest, nil
		}
		total += time.Duration(n) * timeUnits[unit].length
	}
	if unit < 0 {
		return 0, bad
	}
	return total, nil
}

// timeUnit returns the unit that a text begins with; none is seconds.
func timeUnit(text string) int {
	if text == "" {
		return 6
	}
	found := -1
	for i, u := range timeUnits {
		if strings.HasPrefix(text, u.name) && (found < 0 || len(u.name) > len(timeUnits[found].name)) {
			found = i
		}
	}
	return found
}

// duration writes a time as GEP-2257 wants it.
func duration(d time.Duration) v1alpha1.Duration {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range timeUnits[4:] {
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.length
		}
	}
	return v1alpha1.Duration(b.String())
}
