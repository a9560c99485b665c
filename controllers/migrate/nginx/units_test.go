package nginx

import (
	"strings"
	"testing"
	"time"
)

func TestTimesInTheUnitsOfNginx(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"60": time.Minute, "60s": time.Minute, "1h30m": 90 * time.Minute, "1h 30m": 90 * time.Minute, "1d": 24 * time.Hour,
		"500ms": 500 * time.Millisecond, "1m500ms": 60500 * time.Millisecond, "1w": 7 * 24 * time.Hour, "1M": 30 * 24 * time.Hour,
		"1y": 365 * 24 * time.Hour, "0": 0, "86400s": 24 * time.Hour, "1m30": 90 * time.Second, "99999999y": longest,
	} {
		if got, err := parseTime(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "s", "1x", "30m1h", "1s1s", "-1", "1.5h", "99999999999999999999s"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestDurationsThatTheAPITakes(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 90 * time.Second, 24 * time.Hour, time.Hour + 2*time.Minute + 3*time.Second + 4*time.Millisecond, longest} {
		if got, err := duration(d).Parse(); err != nil || got != d {
			t.Errorf("%v was written %s, which is %v, %v", d, duration(d), got, err)
		}
	}
}

func TestNamesThatKubernetesTakes(t *testing.T) {
	for text, want := range map[string]string{
		"chat_backend": "chat-backend", "Chat.Example.COM": "chat-example-com", "127.0.0.1": "backend-127-0-0-1", "/": "backend", "-a-": "a",
	} {
		if got := objectName(text, "backend"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	long, other := objectName(strings.Repeat("a", 100)+"1", "x"), objectName(strings.Repeat("a", 100)+"2", "x")
	if len(long) > longestName || long == other {
		t.Errorf("%s and %s", long, other)
	}
}

// Each directive has one fate: a name that stood in two lists would have either by chance.
func TestEachDirectiveHasOneFate(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range fateLists {
		for name := range strings.FieldsSeq(list) {
			if seen[name] {
				t.Errorf("%s stands twice", name)
			}
			seen[name] = true
		}
	}
	if len(seen) < 200 {
		t.Errorf("%d directives only", len(seen))
	}
}
