package v1alpha1

import (
	"fmt"
	"regexp"
	"time"
)

// Duration is a length of time as in Gateway API (GEP-2257): one to four numbers of up to five
// digits, each with a unit of h, m, s or ms, such as 1h30m or 500ms. "0s" turns off what it
// bounds. The empty Duration is unset.
//
// +kubebuilder:validation:MaxLength=28
// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
type Duration string

// durationPattern is the pattern of the schema, for values that no API server has seen.
var durationPattern = regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`)

// Parse returns the length of time: 0 to 399996h. Any other form than GEP-2257's is an error,
// the empty Duration too: whether unset means a default is for the caller to say.
func (d Duration) Parse() (time.Duration, error) {
	if !durationPattern.MatchString(string(d)) {
		return 0, fmt.Errorf("%q is not a duration: write numbers with a unit of h, m, s or ms, such as 1h30m or 500ms", string(d))
	}
	return time.ParseDuration(string(d))
}
