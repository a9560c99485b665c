package front

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// find returns a program. Without it there is nothing in front: that is a mistake where everything is
// tested, and a reason to skip elsewhere.
func find(t *testing.T, program, install string) string {
	t.Helper()
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(folder, program)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	missing := program + " is not installed, so that nothing can be told of what stands behind it: apt-get install " + install
	if os.Getenv("TEST_"+strings.ToUpper(program)) == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// handed is a listener whose socket a program inherits, so that nobody can take its port meanwhile.
func handed(t *testing.T) (*os.File, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the program has its own
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	return file, listener.Addr().String()
}

// run runs a program, with a socket as descriptor 3, until the end of the test.
func run(t *testing.T, socket *os.File, env string, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &told
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = append(os.Environ(), env)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = socket.Close()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // and not SIGKILL: nginx must end its worker
		<-ended
		if t.Failed() && told.Len() > 0 {
			t.Logf("%s said:\n%s", filepath.Base(program), &told)
		}
	})
}

const nginxConf = `daemon off;
worker_processes 1;
%[3]s
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
    server {
        listen %[2]s;
        location / {
            proxy_pass http://%[4]s;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            %[5]s
        }
    }
}
`

// startNginx starts nginx in front of an address, with further directives, and returns its own.
func startNginx(t *testing.T, behind, more string) string {
	t.Helper()
	binary := find(t, "nginx", "nginx-light")
	folder := t.TempDir()
	socket, address := handed(t)
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // the worker must reach the folder of the test
	}
	config := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConf, folder, address, user, behind, more), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, socket, "NGINX=3;", binary, "-e", "stderr", "-p", folder, "-c", config)
	return address
}

const haproxyConf = `global
  maxconn 512
defaults
  mode tcp
  timeout connect 5s
  timeout client %[1]s
  timeout server %[1]s
  timeout tunnel %[1]s
frontend front
  bind fd@3
  default_backend fairlead
backend fairlead
%[2]s
`

// startHAProxy starts HAProxy with these lines for its backend and an idle timeout, and returns its address.
func startHAProxy(t *testing.T, idle string, backend ...string) string {
	t.Helper()
	binary := find(t, "haproxy", "haproxy")
	socket, address := handed(t)
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf(haproxyConf, idle, "  "+strings.Join(backend, "\n  "))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, socket, "", binary, "-db", "-f", config)
	return address
}
