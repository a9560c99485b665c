package proxy_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

// What was matched, and guarded, is what the endpoint is asked for: one that resolves dots in another
// way than we do, or not at all, must not be led past a guard.
func TestEndpointsAreAskedForThePathThatWasMatched(t *testing.T) {
	both(t, func(t *testing.T, whole bool) {
		p := newPod(t, "a")
		cfg := guarded(func(*model.Route) {}, p)
		admin := cfg.Routes[0]
		admin.ID, admin.Matches = "wsr/prod/admin/0", []model.Match{{Host: host, Path: model.PathMatch{Value: "/admin"}}}
		admin.Access.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		cfg.Routes = append(cfg.Routes, admin)
		r := start(t)
		r.publish(cfg)
		for asked, want := range map[string]string{ // "": refused
			"/room":                               "/room",
			"/a//b":                               "/a//b",
			"/.well-known/x;a/...":                "/.well-known/x;a/...",
			"/a/.b/..c/d..":                       "/a/.b/..c/d..",
			"/admin":                              "",
			"/public/../admin":                    "",
			"/public/%2e%2E/admin":                "",
			"/public%2f..%2fadmin":                "",
			"/public/..;/admin":                   "",
			"/public/..;jsessionid=1/.;x/admin/y": "",
			"/./admin/":                           "",
			"/admin/../room":                      "/room",
			"/admin/..":                           "/",
			"/admin/..%2froom?x=/../y":            "/room?x=/../y",
			"/admin/..;/room":                     "/room",
			"/a%2Fb/./c%20d?":                     "/a/b/c%20d?",
		} {
			for form, request := range map[string]string{
				"a handshake":      asking("GET "+asked+" HTTP/1.1", host),
				"absolute":         asking("GET http://"+host+asked+" HTTP/1.1", "other.example.com"),
				"a page":           "GET " + asked + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
				"a page, absolute": "GET http://" + host + asked + " HTTP/1.1\r\nHost: other.example.com\r\n\r\n",
			} {
				client := r.ask(request, whole)
				status := client.answersTo("GET").StatusCode
				_ = client.Close()
				got := ""
				select {
				case seen := <-p.last:
					got = seen.RequestURI
				default:
				}
				if got != want || want == "" && status != http.StatusForbidden {
					t.Errorf("%s, %s: answered %d, and the endpoint is asked for %q, want %q", asked, form, status, got, want)
				}
			}
		}
	})
}
