package annotations

import (
	"strings"
	"testing"
)

// The snippets that everybody copied to make WebSockets work need no answer but that.
func TestTheSnippetsForWebSocketsAreNeedless(t *testing.T) {
	for _, snippet := range []string{
		"proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";",
		"proxy_http_version 1.1;\nproxy_set_header Upgrade \"websocket\";\nproxy_set_header Connection \"Upgrade\";\nproxy_cache off;\nproxy_buffering off; # streams",
		"proxy_set_header Connection $connection_upgrade; proxy_cache_bypass $http_upgrade;\nproxy_set_header Host $host;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
	} {
		said, lost := judgeSnippet(snippet)
		if lost || !strings.HasPrefix(said, "these are needless here") || !strings.HasSuffix(said, "remove the annotation") {
			t.Errorf("%q: %s", snippet, said)
		}
	}
}

func TestWhatIsLostOfASnippetIsToldByName(t *testing.T) {
	for snippet, told := range map[string]string{
		"proxy_read_timeout 1h; proxy_http_version 1.1;":           `proxy_read_timeout: nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"; these are needless here, because Fairlead always behaves so: proxy_http_version`,
		"proxy_send_timeout 3600s;":                                `proxy-send-timeout: "3600"`,
		"more_set_headers \"X-A: b\";":                             "response-headers-set",
		"add_header X-Frame-Options DENY always;":                  "add_header X-Frame-Options: fairlead.dev/response-headers-set",
		"proxy_set_header X-Tenant acme;":                          "proxy_set_header X-Tenant: fairlead.dev/request-headers-set",
		"gzip on;\nsub_filter a b;":                                "these are not served: gzip, sub_filter",
		"allow 10.0.0.0/8; deny all;":                              "nobody is kept out by them here: allow, deny",
		"client_max_body_size 8m;":                                 `proxy-body-size: "8m"`,
		"proxy_http_version 1.0;":                                  "these are not served: proxy_http_version",
		"more_set_headers 'X: y;":                                  "can't be read as nginx's language: line:1:",
		"# nothing":                                                "there is no directive in it; remove the annotation",
		"proxy_set_header X-Forwarded-For $http_x_forwarded_for; ": "request-headers-set",
	} {
		_, problems := Parse(map[string]string{nginx + "configuration-snippet": snippet}, Defaults{})
		if len(problems) != 1 || !strings.Contains(problems[0].Message, told) {
			t.Errorf("%q: %v\nwant %q", snippet, problems, told)
		}
	}
}

func FuzzDirectives(f *testing.F) {
	for _, seed := range []string{"", "a b;", "if ($x) { return 403; }", "a '\\'' \"b\" ${c};#d\n}", "proxy_read_timeout 99999999999999999999;", "a \\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := directives(text)
		for _, d := range all {
			if len(d.name) > len(text) {
				t.Fatalf("%q has the directive %q", text, d.name)
			}
		}
		if said, _ := judgeSnippet(text); said == "" {
			t.Fatalf("%q: nothing is said", text)
		}
	})
}
