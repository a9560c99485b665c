package probe

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Blanks: plain address, secure address, folder, address of the application.
const nginxConfig = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen %[1]s;
    listen %[2]s ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    proxy_read_timeout 1s;

    location /good { proxy_pass http://%[3]s; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; }
    location /without-headers { proxy_pass http://%[3]s; }
    location /keep-alive { proxy_pass http://%[3]s; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection ""; }
    location /slash/ { proxy_pass http://%[3]s; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }
    location /dead { proxy_pass http://127.0.0.1:1; }
    location /limited { return 503; }
    location / { return 404; }
  }
}
`

// nginxProgram returns nginx of the distribution, which is where daemons are, and not in everybody's
// PATH.
func nginxProgram(t *testing.T) string {
	t.Helper()
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(folder, "nginx")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	const missing = "nginx is not installed: apt-get install nginx-light"
	if os.Getenv("TEST_NGINX") == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the address is what counts
	return l.Addr().String()
}

// startNginx runs nginx in front of an application, with a certificate.
func startNginx(t *testing.T, application string, cert tls.Certificate) (plain, secure string) {
	t.Helper()
	program, folder := nginxProgram(t), t.TempDir()
	plain, secure = free(t), free(t)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"nginx.conf": fmt.Appendf(nil, nginxConfig, plain, secure, application),
		"cert.pem":   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		"key.pem":    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-e", "stderr", "-p", folder, "-c", filepath.Join(folder, "nginx.conf"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.Dial("tcp", secure)
		if err == nil {
			_ = conn.Close()
			return plain, secure
		}
		select {
		case <-done:
			t.Fatalf("nginx ended: %s", said.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen: %v", err)
		}
	}
}

// What people write into nginx.conf, before a server of gorilla/websocket.
func TestNginxAsPeopleHaveIt(t *testing.T) {
	root := (*authority)(nil).issues(t, "Test Root")
	cert := chain(root.certificate(t, leaf("chat.example.com")))
	plain, secure := startNginx(t, served(t, echo), cert)
	for name, c := range map[string]struct {
		o       Options
		finding Finding
		says    []string
	}{
		"good":               {Options{URL: "ws://chat.example.com/good", Send: "hello"}, Works, []string{"nginx"}},
		"good-over-tls":      {Options{URL: "wss://chat.example.com/good"}, Works, []string{"nginx"}},
		"without-headers":    {Options{URL: "ws://chat.example.com/without-headers"}, UpgradeLost, []string{"proxy_set_header Upgrade $http_upgrade;"}},
		"connection-cleared": {Options{URL: "ws://chat.example.com/keep-alive"}, UpgradeLost, []string{"proxy_set_header Connection $connection_upgrade;"}},
		"location-with-slash": {
			Options{URL: "ws://chat.example.com/slash"}, RedirectSlash, []string{"ws://chat.example.com/slash/ works", "location = /slash"},
		},
		"no-location":   {Options{URL: "ws://chat.example.com/nowhere"}, PathNotFound, []string{"location /nowhere"}},
		"dead-endpoint": {Options{URL: "ws://chat.example.com/dead"}, BadEndpoint, []string{"targetPort"}},
		"unavailable":   {Options{URL: "ws://chat.example.com/limited"}, NoEndpoint, nil},
		"read-timeout":  {Options{URL: "ws://chat.example.com/good", Idle: 20 * time.Second}, ClosedIdle, []string{"Pings keep it open", "proxy_read_timeout 3600s;", "nginx"}},
		"plain-request-on-the-tls-port": {
			Options{URL: "ws://chat.example.com:443/good"}, NeedsTLS, []string{"wss://chat.example.com/good works"},
		},
		"tls-on-the-plain-port": {Options{URL: "wss://chat.example.com:80/good"}, NotTLS, []string{"ws://chat.example.com/good works", "listen 443 ssl"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("80", plain)
			w.at["192.0.2.10:443"] = secure
			c.o.Roots = root.pool
			r := w.probe(t, c.o)
			if r.Verdict.Finding != c.finding {
				t.Errorf("found %s, want %s", r.Verdict.Finding, c.finding)
			}
			if part := r.Verdict.lacks(c.says...); part != "" {
				t.Errorf("does not say %q in\n%+v", part, r.Verdict)
			}
			golden(t, "nginx-"+name, r)
		})
	}
}
