package proxy

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/template"
)

// asked is a request as net/http's server reads it.
func asked(t testing.TB, host, target string) *template.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: http.MethodGet, Host: host, URL: u, RequestURI: target, Header: http.Header{}}
	return &template.Request{Request: r, Client: netip.MustParseAddr("192.0.2.7")}
}

func TestARedirectLeadsWhereTheTemplateSays(t *testing.T) {
	for _, c := range []struct{ location, host, target, want string }{
		{"https://new.example.com$request_uri", "old.example.com", "/a%20b?x=1", "https://new.example.com/a%20b?x=1"},
		{"https://www.$host$request_uri", "Example.com:8080", "/", "https://www.example.com/"},
		{"$scheme://$http_host/new", "a.example.com:8080", "/old", "http://a.example.com:8080/new"},
		{"https://$host/", "[2001:db8::1]:80", "/", "https://[2001:db8::1]/"},
		{"/app$uri", "a", "/x%2520y%3Fz%0d", "/app/x%2520y%3Fz%0D"},
		{"/login?from=$escaped_request_uri", "a", "/x?y=z", "/login?from=%2Fx%3Fy%3Dz"},
		{"$request_uri", "a", "/x", "/x"},
		{"https://$arg_t.example.com/", "a", "/?t=acme-1", "https://acme-1.example.com/"},
		{"https://example.com/?q=$arg_q#top", "a", "/?q=a%26b", "https://example.com/?q=a%26b#top"},
	} {
		parsed, err := template.Parsed(c.location)
		if err != nil {
			t.Fatal(err)
		}
		if got := location(parsed, asked(t, c.host, c.target)); got != c.want {
			t.Errorf("%s for %s%s leads to %s, want %s", c.location, c.host, c.target, got, c.want)
		}
	}
}

func TestWhatAClientWritesLeadsToNoOtherHost(t *testing.T) {
	for _, c := range []struct{ location, target, want string }{
		{"$request_uri", "//evil.example/x", "/evil.example/x"},
		{"$uri", "/%2Fevil.example", "/evil.example"},
		{"$uri", "/%5Cevil.example", "/%5Cevil.example"},
		{"/$arg_next", "/?next=/evil.example", "/evil.example"},
		{"$arg_next", "/?next=https://evil.example", "/https://evil.example"},
		{"$arg_next", "/?next=%2F%2Fevil.example", "/%2F%2Fevil.example"},
		{"$request_uri", "http://evil.example//x", "/x"},
		{"https://example.com$arg_next", "/?next=.evil.example", "https://example.com/.evil.example"},
		{"https://example.com$arg_next", "/?next=@evil.example", "https://example.com/@evil.example"},
		{"https://$arg_t.example.com", "/?t=evil.example/", "https://evil.example%2F.example.com"},
		{"https://$arg_t.example.com", "/?t=evil.example%23", "https://evil.example%2523.example.com"},
		{"https://$arg_t.example.com", "/?t=/evil.example/", "https://%2Fevil.example%2F.example.com"},
		{"https://example.com$uri", "/a%0d%0aSet-Cookie:%20x=y", "https://example.com/a%0D%0ASet-Cookie:%20x=y"},
	} {
		parsed, err := template.Parsed(c.location)
		if err != nil {
			t.Fatal(err)
		}
		if got := location(parsed, asked(t, "a", c.target)); got != c.want {
			t.Errorf("%s for %s leads to %s, want %s", c.location, c.target, got, c.want)
		}
	}
}

func FuzzLocation(f *testing.F) {
	for _, seed := range []string{"//evil.example", "/%2Fevil", "/\\evil", "/?next=//evil", "/?next=.evil", "http://evil//x", "/a%0d%0ab", "/?next=%5c"} {
		f.Add(seed)
	}
	var templates []template.Template
	for _, text := range []string{"$request_uri", "$uri", "/$arg_next", "$arg_next", "/x$args", "https://example.com$request_uri", "https://example.com$arg_next", "https://$arg_next.example.com/", "https://example.com/$uri"} {
		parsed, err := template.Parsed(text)
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, parsed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return
		}
		r := &template.Request{Request: &http.Request{Host: "a", URL: u, RequestURI: target}}
		for _, to := range templates {
			at := location(to, r)
			led, err := url.Parse("https://asked.example.org")
			if err != nil {
				t.Fatal(err)
			}
			where, err := led.Parse(at)
			if strings.ContainsFunc(at, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
				t.Errorf("%s for %q: %q has what is in no URL", to, target, at)
			}
			if err != nil {
				continue // browsers refuse it too
			}
			if host := where.Host; host != "asked.example.org" && host != "example.com" && !strings.HasSuffix(host, ".example.com") {
				t.Errorf("%s for %q leads to %q, on %q", to, target, at, host)
			}
		}
	})
}
