package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// migrates runs the command over a piece of configuration.
func migrates(t *testing.T, content string, args ...string) (manifests, report string, err error) {
	t.Helper()
	root := newRoot("fairlead", func(string) (string, bool) { return "", false })
	var out, told bytes.Buffer
	root.SetIn(strings.NewReader(content))
	root.SetOut(&out)
	root.SetErr(&told)
	root.SetArgs(append([]string{"migrate", "nginx"}, args...))
	err = root.Execute()
	return out.String(), told.String(), err
}

const chatServer = `server {
    listen 80;
    server_name chat.example.com;
    location /ws { proxy_pass http://127.0.0.1:9001; }
    location / { root /srv; }
}
`

// Someone pipes his configuration in and looks at what comes out.
func TestMigrateNginxFromStandardInput(t *testing.T) {
	manifests, report, err := migrates(t, chatServer, "-", "--namespace", "prod", "--ingress-class", "sockets")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: WebSocketRoute", "namespace: prod", "ingressClassName: sockets", "kind: EndpointSlice"} {
		if !strings.Contains(manifests, want) {
			t.Errorf("no %q in the manifests:\n%s", want, manifests)
		}
	}
	if !strings.Contains(report, "lost: 1\n  stdin:5: location /") {
		t.Errorf("the report:\n%s", report)
	}
}

// In CI, what is lost ends the job, and a program reads the report.
func TestMigrateNginxStrictly(t *testing.T) {
	_, report, err := migrates(t, chatServer, "-", "--strict", "--report", "json")
	if err == nil || err.Error() != "lost: 1" {
		t.Error(err)
	}
	var read struct{ Lines []map[string]any }
	if err := json.Unmarshal([]byte(report), &read); err != nil || len(read.Lines) < 5 {
		t.Errorf("%v in %s", err, report)
	}
	if _, _, err := migrates(t, strings.Replace(chatServer, "root /srv;", "proxy_pass http://127.0.0.1:9002;", 1), "-", "--strict"); err != nil {
		t.Error(err)
	}
}

// Manifests go into a folder, Secrets so that others can't read them, and fairlead check takes it.
func TestMigrateNginxIntoAFolder(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "chat.crt"), "a certificate")
	write(t, filepath.Join(folder, "chat.key"), "a key")
	write(t, filepath.Join(folder, "nginx.conf"), strings.Replace(chatServer, "listen 80;",
		"listen 443 ssl; ssl_certificate chat.crt; ssl_certificate_key /etc/nginx/chat.key;", 1))
	out := filepath.Join(folder, "manifests")
	manifests, report, err := migrates(t, "", filepath.Join(folder, "nginx.conf"), "--output", out)
	if err != nil || manifests != "" {
		t.Fatal(manifests, err)
	}
	if !strings.Contains(report, "kubectl create secret tls chat-example-com-tls --cert=chat.crt --key=/etc/nginx/chat.key") {
		t.Errorf("the report:\n%s", report)
	}
	if _, err := os.Stat(filepath.Join(out, "websocketroute-chat-example-com.yaml")); err != nil {
		t.Error(err)
	}
	if _, _, err := migrates(t, "", filepath.Join(folder, "nginx.conf"), "--output", out, "--with-secrets"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(out, "secret-chat-example-com-tls.yaml"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

func TestMigrateNginxSaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	for content, want := range map[string]string{
		"server {\n listen 80;\n":   "broken.conf:3: the file ends within the block of server",
		"a \x00":                    "broken.conf:1: this is no text",
		strings.Repeat("a;", 6<<20): "broken.conf:1: more than 8 MiB",
		"include broken.conf;":      "broken.conf:1: include broken.conf: the file includes itself",
		strings.Repeat("a{", 1<<20): "nested more than",
		"x;\ny \"z\n":               "broken.conf:2: the quote \" has no end",
	} {
		name := filepath.Join(folder, "broken.conf")
		write(t, name, content)
		if _, _, err := migrates(t, "", name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %s", content, err, want)
		}
	}
	for _, args := range [][]string{{}, {"no-such-file"}, {"-", "--kind", "pod"}, {"-", "--report", "xml"}, {"-", "--namespace", "A B"}, {"-", "--output", ""}} {
		if _, _, err := migrates(t, "", args...); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
