package v1alpha1

import (
	"strings"
	"testing"
	"time"
)

func TestDurationsAsInGatewayAPI(t *testing.T) {
	for text, want := range map[Duration]time.Duration{
		"0s":                       0,
		"500ms":                    500 * time.Millisecond,
		"1h30m":                    90 * time.Minute,
		"1h2m3s4ms":                time.Hour + 2*time.Minute + 3*time.Second + 4*time.Millisecond,
		"30s1m":                    90 * time.Second, // GEP-2257 asks for no order
		"99999h":                   99999 * time.Hour,
		"99999h99999h99999h99999h": 4 * 99999 * time.Hour,
	} {
		if got, err := text.Parse(); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestADurationThatCannotBeReadSaysHowToWriteOne(t *testing.T) {
	for _, text := range []Duration{
		"", "0", "60", "1d", "-1s", "+1s", "1.5h", "1 h", "5S", "1us", "100000s", "1s1s1s1s1s", "1h\n", "soon",
	} {
		got, err := text.Parse()
		if err == nil {
			t.Errorf("%q was read as %v", text, got)
		} else if !strings.Contains(err.Error(), "such as 1h30m") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
