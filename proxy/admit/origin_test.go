package admit

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestPagesOfOtherOriginsOpenNoSocket(t *testing.T) {
	for origin, let := range map[string]bool{
		"https://chat.example.com":        true,
		"HTTPS://CHAT.example.com":        true,
		"https://chat.example.com:443":    true,
		"https://chat.example.com:8443":   false,
		"http://chat.example.com":         false,
		"https://chat.example.com.":       false,
		"https://chat.example.com.evil":   false,
		"https://chat.example.com@evil":   false,
		"https://evilchat.example.com":    false,
		"https://a.wild.example.com":      true,
		"https://a-b_1.wild.example.com":  true,
		"https://a.wild.example.com:443":  true,
		"https://a.b.wild.example.com":    false,
		"https://wild.example.com":        false,
		"https://.wild.example.com":       false,
		"https://evil/.wild.example.com":  false,
		"https://evil?.wild.example.com":  false,
		"https://e@vil.wild.example.com":  false,
		"https://evil:1.wild.example.com": false,
		"http://app.example.com:3000":     true,
		"http://app.example.com":          false,
		"null":                            false,
		"":                                false,
		"*":                               false,
		"https://*.wild.example.com":      false,
	} {
		s := subject(t, request(t, "GET / HTTP/1.1", "chat.example.com"), model.Route{
			Protocols: model.WebSocket | model.HTTP,
			Access:    model.Access{Origins: []string{"https://chat.example.com", "https://*.wild.example.com", "http://*.example.com:3000"}},
		})
		s.Upgrade = websocket
		s.Request.Header["Origin"] = []string{origin}
		refusal := Admit(s)
		if let != (refusal == nil) || refusal != nil && (refusal.Reason != model.OriginRefused || refusal.Status != 403) {
			t.Errorf("%q: %v", origin, refusal)
		}
		s.Upgrade = ""
		if refusal := Admit(s); refusal != nil {
			t.Errorf("a plain request of %q: %v", origin, refusal)
		}
	}
}

func TestTwoOriginsAreNone(t *testing.T) {
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Protocols: model.WebSocket, Access: model.Access{Origins: []string{"https://a"}}})
	s.Upgrade = websocket
	s.Request.Header["Origin"] = []string{"https://a", "https://evil"}
	if refusal := Admit(s); refusal == nil {
		t.Error("let in")
	}
}

func TestAnOriginThatIsNoneSealsTheRoute(t *testing.T) {
	for _, entry := range []string{"", "chat.example.com", "https://", "https://a/b", "https://*", "https://*.", "https://a.*.b", "https://a, https://b"} {
		r := model.Route{Protocols: model.WebSocket, Access: model.Access{Origins: []string{"https://ok", entry}}}
		p := NewPolicy(&r, nil)
		err := p.Err()
		if err == nil {
			t.Errorf("%q is an origin", entry)
			continue
		}
		s := &Subject{Request: request(t, "GET / HTTP/1.1", "a"), Policy: p, Upgrade: websocket}
		if refusal := Admit(s); refusal == nil || refusal.Reason != model.Sealed {
			t.Errorf("%q: %v", entry, refusal)
		}
	}
}

// FuzzOrigin: whatever is let in is written in the set, or is one label more than a wildcard's.
func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"https://a.example.com", "https://a.example.com:443", "https://x/.example.com", "null", "https://\x00.example.com"} {
		f.Add(seed)
	}
	o, err := newOrigins([]string{"https://*.example.com", "https://one.test:8443"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		if !o.has(origin) {
			return
		}
		origin = strings.TrimSuffix(strings.ToLower(origin), ":443")
		if origin == "https://one.test:8443" {
			return
		}
		label, behind := strings.CutPrefix(origin, "https://")
		label, before := strings.CutSuffix(label, ".example.com")
		if !behind || !before || !isLabel(label) {
			t.Errorf("%q was let in", origin)
		}
	})
}
