package admit

import (
	"net/http"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// Whoever comes in without being asked by the service must not speak in its name.
func TestNobodySaysWhatOnlyTheServiceMaySay(t *testing.T) {
	const right = "Basic c2hhOnNlc2FtZQ=="
	asks := &model.ExternalAuth{URL: "http://auth/", ResponseHeaders: []string{"X-User", "Authorization"}}
	for name, c := range map[string]struct {
		access  model.Access
		path    string
		matches []model.Match
	}{
		"let in by address":    {access: model.Access{Allow: prefixes("192.0.2.0/24"), External: asks, SatisfyAny: true}},
		"let in by a password": {access: model.Access{Basic: &model.BasicAuth{Users: sesame}, External: asks, SatisfyAny: true}},
		"let in as a challenge": {access: model.Access{External: asks}, path: "/.well-known/acme-challenge/token",
			matches: []model.Match{{Path: model.PathMatch{Value: "/.well-known/acme-challenge"}}}},
		"let in by the service": {access: model.Access{External: asks}},
	} {
		t.Run(name, func(t *testing.T) {
			service := &service{answer: func(q *http.Request) (*http.Response, error) {
				if q.Header.Get("Authorization") != right {
					t.Errorf("the service is asked with %v", q.Header)
				}
				return says(200)(q)
			}}
			s := visit(t, service, policy(t, model.Route{Protocols: model.HTTP, Access: c.access, Matches: c.matches}),
				"Authorization: "+right, "X-User: root", "X_User: root")
			if c.path != "" {
				s.Request.URL.Path = c.path
			}
			if refusal := Admit(s); refusal != nil {
				t.Fatal(refusal)
			}
			header := s.Request.Header.Clone()
			if s.EditsRequest() {
				s.EditRequest(header)
			}
			if header["X-User"] != nil || header["X_user"] != nil || header["Authorization"] != nil {
				t.Errorf("the endpoint is told %v", header)
			}
		})
	}
}

// What a client wrote fills its place in the service's URL, and takes no other.
func TestClientsChangeNothingElseInTheQuestion(t *testing.T) {
	for name, c := range map[string]struct{ url, uri, host, header, want string }{
		"as it is":                     {"http://auth/v?u=$arg_u&role=admin", "/x?u=a%20b", "", "", "/v?u=a%20b&role=admin"},
		"nothing is cut off":           {"http://auth/v?u=$arg_u&role=admin", "/x?u=ann#", "", "", "/v?u=ann%23&role=admin"},
		"no parameter is put in":       {"http://auth/v?u=$http_x_who&role=admin", "/x", "", "ann&role=none", "/v?u=ann%26role=none&role=admin"},
		"not with the URI either":      {"http://auth/v?uri=$request_uri&role=admin", "/x?a=b&role=none", "", "", "/v?uri=/x?a=b%26role=none&role=admin"},
		"unless they are asked for":    {"http://auth/v?$args", "/x?a=b&c=d", "", "", "/v?a=b&c=d"},
		"one behind the other":         {"http://auth/v?x=1&$args", "/x?a=b&c=d", "", "", "/v?x=1&a=b&c=d"},
		"the URI as it was asked":      {"http://auth$request_uri", "/x/y?a=b&c=d", "", "", "sealed"},
		"a path goes on":               {"http://auth/v$request_uri", "/x/y?a=b&c=d", "", "", "/v/x/y?a=b&c=d"},
		"a path that is decoded":       {"http://auth/v$uri?x", "/x%3Fy%23z%25", "", "", "/v/x%3Fy%23z%25?x"},
		"an element of a path":         {"http://auth/of/$http_x_who/check", "/x", "", "../../v?#", "/of/..%2F..%2Fv%3F%23/check"},
		"no blank and nothing above":   {"http://auth/v?u=$http_x_who", "/x", "", "a b\xff\"", "/v?u=a%20b%FF%22"},
		"what was escaped stays so":    {"http://auth/v?u=$escaped_request_uri", "/x?a=b&c", "", "", "/v?u=%2Fx%3Fa%3Db%26c"},
		"at the host":                  {"https://$host/v", "/x", "chat.example.com:8080", "", "https://chat.example.com/v"},
		"at no port of their choosing": {"https://$http_host/v", "/x", "chat.example.com:6666", "", "https://chat.example.com/v"},
		"at an odd host":               {"https://$best_http_host/v", "/x", "chat.example.com:@", "", "https://chat.example.com/v"},
		"at the port of the template":  {"https://$host:8443/v", "/x", "chat.example.com:6666", "", "https://chat.example.com:8443/v"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{answer: says(200)}
			r := model.Route{Protocols: model.HTTP, Matches: []model.Match{{Host: "chat.example.com"}}, Access: model.Access{External: &model.ExternalAuth{URL: c.url}}}
			v := visit(t, s, NewPolicy(&r, nil))
			v.Request = request(t, "GET "+c.uri+" HTTP/1.1", "chat.example.com")
			if c.host != "" {
				v.Request.Host = c.host
			}
			if c.header != "" {
				v.Request.Header.Set("X-Who", c.header)
			}
			refusal := Admit(v)
			got := "sealed"
			if refusal == nil {
				if got = s.asked[0].URL.String(); c.want[0] == '/' {
					got = s.asked[0].URL.RequestURI()
				}
			}
			if got != c.want {
				t.Errorf("asked %s, want %s: %v", got, c.want, refusal)
			}
		})
	}
}
