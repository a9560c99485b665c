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
	r.SetBasicAuth("ann", "secret")
	request := &Request{Request: r, Client: netip.MustParseAddr("192.0.2.7"), Secure: true}
	for text, want := range map[string]string{
		"":                             "",
		"plain":                        "plain",
		"$remote_addr":                 "192.0.2.7",
		"<$remote_user>":               "<ann>",
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

func TestVariablesAreWrittenAsTheClientWroteThem(t *testing.T) {
	r := httptest.NewRequest("GET", "/x?a=1&UID=a%20b&uid=2&empty=&=x&uidx", nil)
	r.Header["Cookie"] = []string{"theme=dark; JSESSIONID=x|y=z ;a=", "later=1"}
	r.Header["X-Twice"] = []string{"1", "2"}
	request := &Request{Request: r}
	for variable, want := range map[string]string{
		"arg_uid": "a%20b", "arg_empty": "", "arg_uidx": "", "arg_a": "1",
		"cookie_jsessionid": "x|y=z", "cookie_theme": "dark", "cookie_a": "", "cookie_later": "1",
		"http_x_twice": "1, 2", "http_X_TWICE": "1, 2", "remote_addr": "", "request_uri": "/x?a=1&UID=a%20b&uid=2&empty=&=x&uidx",
	} {
		if got := request.Value(variable); got != want {
			t.Errorf("$%s is %q, want %q", variable, got, want)
		}
	}
	r.RequestURI = "http://evil.example/x?a" // an absolute form
	if got := request.Value("request_uri"); got != r.URL.RequestURI() {
		t.Errorf("$request_uri is %q", got)
	}
}

func TestACommonHashKeyCostsNothing(t *testing.T) {
	r := httptest.NewRequest("GET", "/x?uid=7", nil)
	r.Header.Set("Cookie", "a=b; sid=1")
	r.Header.Set("X-User-Id", "42")
	r.SetBasicAuth("ann", "secret")
	request := &Request{Request: r}
	for _, text := range []string{"$request_uri", "$arg_uid", "$cookie_sid", "$http_x_user_id", "$host", "plain"} {
		parsed, err := Parsed(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { parsed.Expand(request.Value) }); n > 1 { // the bound method
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a", "$host", "${host}x$uri", "$", "${", "$$", "$arg_", "é$scheme"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parsed(text)
		if err != nil {
			if !strings.Contains(text, "$") {
				t.Errorf("%q has no variable and is refused: %v", text, err)
			}
			return
		}
		var names []string
		parsed.Variables(func(name string) bool { names = append(names, name); return true })
		if len(names) != strings.Count(text, "$") {
			t.Errorf("%q has the variables %q", text, names)
		}
		// Each variable stands for itself: the text comes back, but for braces.
		same := parsed.Expand(func(name string) string { return "$" + name })
		if unbraced := strings.NewReplacer("${", "$", "}", "").Replace; unbraced(same) != unbraced(text) {
			t.Errorf("%q became %q", text, same)
		}
		appended := parsed.Append([]byte("x"), func(b []byte, name string) []byte { return append(b, "$"+name...) })
		if string(appended) != "x"+same {
			t.Errorf("%q was appended as %q", text, appended)
		}
	})
}
