package observe

import (
	"strings"
	"testing"
	"time"
)

// An alert on the metric must end when the certificate is renewed, and when its Secret is deleted.
func TestCertificatesAreToldByTheTimeAtWhichTheyExpire(t *testing.T) {
	c := newCrew(t)
	told := func() (found []string) {
		for series := range c.scrape() {
			if strings.Contains(series, "certificate_expiry") {
				found = append(found, series)
			}
		}
		return found
	}
	if got := told(); len(got) != 0 {
		t.Errorf("without certificates: %q", got)
	}
	const series = `fairlead_certificate_expiry_timestamp_seconds{certificate="prod/chat-tls"}`
	for _, at := range []time.Time{time.Unix(1_800_000_000, 0), time.Unix(1_900_000_000, 0)} {
		c.expiries["prod/chat-tls"] = at
		if got := c.scrape()[series]; got != float64(at.Unix()) {
			t.Errorf("expires at %v, told %v", at.Unix(), got)
		}
	}
	delete(c.expiries, "prod/chat-tls")
	if got := told(); len(got) != 0 {
		t.Errorf("of a certificate that is gone: %q", got)
	}
}
