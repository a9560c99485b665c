package admit

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestHeadersThatMakeTheProtocolWorkCantBeChanged(t *testing.T) {
	for _, name := range []string{
		"Connection", "upgrade", "SEC-WEBSOCKET-KEY", "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding", "Host",
		"Keep-Alive", "TE", "Trailer", "", "X A", "X:A", "X\r\nA",
	} {
		for _, edits := range []model.HeaderEdits{
			{Remove: []string{name}}, {Set: []model.Field{{Name: name, Value: "x"}}}, {Add: []model.Field{{Name: name, Value: "x"}}},
		} {
			edits.Set = append(edits.Set, model.Field{Name: "x-good", Value: "1"})
			r := model.Route{Protocols: model.HTTP, Headers: model.Headers{Request: edits, Response: edits}}
			p := NewPolicy(&r, nil)
			err := p.Err()
			if err == nil {
				t.Errorf("%q can be changed", name)
			}
			s := &Subject{Request: request(t, "GET / HTTP/1.1", "a"), Policy: p}
			if refusal := Admit(s); refusal != nil {
				t.Errorf("%q: %v", name, refusal)
			}
			asked, answered := http.Header{"Connection": {"a"}}, http.Header{"Connection": {"a"}}
			s.EditRequest(asked)
			s.Dress(answered)
			for _, h := range []http.Header{asked, answered} {
				if len(h) != 2 || h.Get("X-Good") != "1" || h.Get("Connection") != "a" {
					t.Errorf("%q: %v", name, h)
				}
			}
		}
	}
	r := model.Route{Headers: model.Headers{Response: model.HeaderEdits{Set: []model.Field{{Name: "X-A", Value: "a\r\nSet-Cookie: b"}}}}}
	if NewPolicy(&r, nil).Err() == nil {
		t.Error("a value may begin another line")
	}
}

func TestHeadersAreRemovedSetAndAdded(t *testing.T) {
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{Headers: model.Headers{Request: model.HeaderEdits{
		Remove: []string{"x-a", "X-B"}, Set: []model.Field{{Name: "X-B", Value: "2"}, {Name: "X-C", Value: "3"}}, Add: []model.Field{{Name: "X-C", Value: "4"}, {Name: "X-D", Value: "5"}},
	}}})
	s.tell("X-User", "joe")
	s.tell("X-Group")
	values := []string{"d", "not of this header"}
	header := http.Header{
		"X-A": {"a"}, "X-B": {"b"}, "X-C": {"c"}, "X-D": values[:1], "X-E": {"e"}, "X_a": {"a"}, "X_e": {"e"}, "X_d": {"d"},
		"X-User": {"root"}, "X_user": {"root"}, "X-Group": {"root"}, "X_group": {"root"},
	}
	s.EditRequest(header)
	want := map[string]string{"X-B": "2", "X-C": "3 4", "X-D": "d 5", "X-E": "e", "X_e": "e", "X_d": "d", "X-User": "joe"}
	for name, value := range want {
		if got := strings.Join(header[name], " "); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
	if len(header) != len(want) || values[1] != "not of this header" {
		t.Errorf("got %v", header)
	}
}

func TestCachesAreToldWhatDependsOnTheOrigin(t *testing.T) {
	for _, c := range []struct {
		origins     []string
		origin      string
		allow, vary string
		methods     string
		beforeVary  []string
	}{
		{origins: []string{"*"}, origin: "https://a", allow: "*", methods: "GET"},
		{origins: []string{"*"}, allow: "*", methods: "GET"},
		{origins: []string{"https://a"}, origin: "https://a", allow: "https://a", vary: "Origin", methods: "GET"},
		{origins: []string{"https://a"}, origin: "https://b", vary: "Origin"},
		{origins: []string{"https://a"}, vary: "Origin"},
		{origins: []string{"https://a"}, vary: "Accept|Origin", beforeVary: []string{"Accept"}},
		{origins: []string{"https://a"}, vary: "accept, origin", beforeVary: []string{"accept, origin"}},
		{origins: []string{"https://a"}, vary: "*", beforeVary: []string{"*"}},
		{origin: "https://a", vary: "Origin"},
	} {
		s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{
			Protocols: model.HTTP, CORS: &model.CORS{Origins: c.origins, Methods: []string{"GET"}, Credentials: true, MaxAge: 90 * time.Second},
		})
		if c.origin != "" {
			s.Request.Header.Set("Origin", c.origin)
		}
		header := http.Header{}
		if c.beforeVary != nil {
			header["Vary"] = c.beforeVary
		}
		s.Dress(header)
		if header.Get(allowOrigin) != c.allow || strings.Join(header["Vary"], "|") != c.vary || header.Get(allowMethods) != c.methods {
			t.Errorf("%+v: %v", c, header)
		}
		if c.allow != "" && (header.Get(maxAge) != "90" || header.Get(allowCredentials) != "true") {
			t.Errorf("%+v: %v", c, header)
		}
		s.Request.Method = http.MethodOptions
		if refusal := Admit(s); (c.allow != "") != (refusal != nil && refusal.Status == 204 && refusal.Reason == model.Preflight) {
			t.Errorf("%+v: %v", c, refusal)
		}
		s.Upgrade = "other"
		if refusal := Admit(s); refusal != nil {
			t.Errorf("an upgrade is no question: %v", refusal)
		}
	}
}
