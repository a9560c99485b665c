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
			if header["X-User"] != nil || header["X_User"] != nil || header["X_user"] != nil || header["Authorization"] != nil {
				t.Errorf("the endpoint is told %v", header)
			}
		})
	}
}
