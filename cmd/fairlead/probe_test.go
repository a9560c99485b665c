package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestProbeExitsAsItFinds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" || r.Header.Get("X-Tenant") != "acme" {
			http.NotFound(w, r)
			return
		}
		upgrader := websocket.Upgrader{Subprotocols: []string{"v2.chat"}}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the story is over
		for {
			kind, p, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, p) != nil {
				return
			}
		}
	}))
	defer server.Close()
	to := "--connect-to=" + server.Listener.Addr().String()
	noCerts := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noCerts, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"works":          {[]string{"ws://chat.example.com/ws", to, "-H", "X-Tenant: acme", "--subprotocol", "v2.chat", "--send", "hello"}, 0, "WORKS (Works)"},
		"another path":   {[]string{"ws://chat.example.com/other", to, "-H", "X-Tenant: acme", "--once"}, 1, "PathNotFound"},
		"http":           {[]string{"http://chat.example.com/ws", to, "-H", "X-Tenant: acme"}, 0, "http:// is taken as ws://"},
		"no URL":         {nil, 2, "one URL is needed"},
		"another flag":   {[]string{"ws://chat.example.com/", "--loud"}, 2, "--loud"},
		"no scheme":      {[]string{"chat.example.com"}, 2, "must begin with ws:// or wss://"},
		"no header":      {[]string{"ws://chat.example.com/", "-H", "X-Tenant"}, 2, "--header"},
		"no authority":   {[]string{"wss://chat.example.com/", "--ca", noCerts}, 2, "no certificate in PEM"},
		"another format": {[]string{"ws://chat.example.com/", "-o", "yaml"}, 2, "text or json"},
	} {
		out, err := run("fairlead", append([]string{"probe"}, c.args...)...)
		code := 0
		if err != nil {
			code = exitCode(err)
			out += err.Error()
		}
		if code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", name, code, c.code, c.says, out)
		}
	}
	out, err := run("fairlead", "probe", "ws://chat.example.com/ws", to, "-H", "X-Tenant: acme", "-o", "json")
	var got struct{ Verdict struct{ Works bool } }
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || !got.Verdict.Works {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the probe advises must exist.
func TestProbeAdvisesAnnotationsThatExist(t *testing.T) {
	documented, err := os.ReadFile("../../docs/annotations.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../proxy/probe/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`fairlead\.dev/([a-z-]+)`).FindAllStringSubmatch(string(source), -1) {
			if !strings.Contains(string(documented), "| `"+m[1]+"`") {
				t.Errorf("%s advises fairlead.dev/%s, which docs/annotations.md doesn't have", file, m[1])
			}
		}
	}
}
