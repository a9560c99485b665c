package template

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVariablesStandForPartsOfTheRequest(t *testing.T) {
	r := httptest.NewRequest("GET", "http://Chat.example.com:8080/a%20b?uid=7&x=y", nil)
	r.Header.Set("Cookie", "sid=abc")
	r.Header.Set("X-User-Id", "42")
	request := &Request{Request: r, Client: netip.MustParseAddr("192.0.2.7"), Secure: true}
	for text, want := range map[string]string{
		"":                             "",
		"plain":                        "plain",
		"$remote_addr":                 "192.0.2.7",
		"${host}$uri":                  "chat.example.com/a b",
		"$scheme://$http_host/x":       "https://Chat.example.com:8080/x",
		"$arg_uid-$cookie_sid":         "7-abc",
		"$http_x_user_id.$arg_missing": "42.",
		"$args|$request_method":        "uid=7&x=y|GET",
	} {
		parsed, err := Parsed(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := parsed.Expand(request.Value); got != want || parsed.String() != text {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNoVariableIsTold(t *testing.T) {
	for text, says := range map[string]string{
		"$nonsense":   "$nonsense is not a variable",
		"a$":          "name of a variable",
		"$-x":         "name of a variable",
		"${host":      "no end",
		"${}":         "no name",
		"$arg_":       "$arg_ is not",
		"${ho st}":    "no name",
		"$proxy_host": "is not a variable",
	} {
		if _, err := Parsed(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
