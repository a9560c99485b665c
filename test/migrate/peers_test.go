package migrate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/migrate/nginx"
	"github.com/fairlead/fairlead/controllers/nginxsyntax"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/observe"
)

// patience is how long anything may take that happens at once.
const patience = 10 * time.Second

// findNginx returns the program. Without it there is nothing to compare with: that is a mistake where
// everything is tested, and a reason to skip elsewhere.
func findNginx(t *testing.T) string {
	t.Helper()
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if info, err := os.Stat(filepath.Join(folder, "nginx")); err == nil && info.Mode().IsRegular() {
			return filepath.Join(folder, "nginx")
		}
	}
	const missing = "nginx is not installed, so that nothing can be compared with it: apt-get install nginx-light"
	if os.Getenv("TEST_NGINX") == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// peer is a proxy that listens.
type peer struct{ name, http, https string }

var (
	backendAddress = regexp.MustCompile(`127\.0\.0\.1:(\d+)`)
	listenLine     = regexp.MustCompile(`listen\s+([^;]*);`)
	certificate    = regexp.MustCompile(`/etc/nginx/tls/([a-z]+)\.crt`)
	absentFiles    = regexp.MustCompile(`(?m)^\s*(ssl_dhparam|include /etc/letsencrypt)[^;]*;`)
)

// stage is a configuration with backends of its own.
type stage struct {
	folder  string
	content string
}

// newStage starts a backend for each address of the configuration, and makes the files that it names.
func newStage(t *testing.T, name string) *stage {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{folder: t.TempDir(), content: absentFiles.ReplaceAllString(string(content), "")}
	backends := map[string]string{}
	s.content = backendAddress.ReplaceAllStringFunc(s.content, func(address string) string {
		if backends[address] == "" {
			backends[address] = newBackend(t, address)
		}
		return backends[address]
	})
	for _, found := range certificate.FindAllStringSubmatch(s.content, -1) {
		writeCertificate(t, filepath.Join(s.folder, "tls", found[1]))
	}
	users := "ann:{PLAIN}unused\nbob:$apr1$aaaaaaaa$VwB6yZcq0LKcF6lGl4jtF/\n"
	write(t, filepath.Join(s.folder, "staff.htpasswd"), []byte(users))
	s.content = strings.ReplaceAll(s.content, "/etc/nginx/", s.folder+"/")
	return s
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeCertificate makes a certificate for every name below example.com.
func writeCertificate(t *testing.T, base string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{filepath.Base(base) + ".example.com", "hub.example.com", "example.com"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, base+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// wrapped is what stands around the piece of configuration.
const wrapped = `daemon off;
worker_processes 1;
%[3]s
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
%[2]s
}
`

// startNginx starts the real nginx with the configuration as it is, but for its addresses. The
// sockets are ours and handed over, so that no port can be taken by others meanwhile.
func (s *stage) startNginx(t *testing.T, binary string) peer {
	t.Helper()
	var files []*os.File
	addresses := make([]string, 2)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		file, err := listener.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = listener.Addr().String()
		_ = listener.Close()
		files = append(files, file)
	}
	content := listenLine.ReplaceAllStringFunc(s.content, func(line string) string {
		arguments := listenLine.FindStringSubmatch(line)[1]
		address, rest := addresses[0], ""
		for _, word := range strings.Fields(arguments)[1:] {
			switch word {
			case "ssl":
				address, rest = addresses[1], rest+" ssl"
			case "default_server":
				rest += " " + word
			}
		}
		return "listen " + address + rest + ";"
	})
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // the worker must reach the folder of the test
	}
	config := filepath.Join(s.folder, "nginx.conf")
	write(t, config, fmt.Appendf(nil, wrapped, s.folder, content, user))
	cmd := exec.Command(binary, "-p", s.folder, "-c", config)
	var told bytes.Buffer
	cmd.Stderr = &told
	cmd.ExtraFiles = files
	cmd.Env = append(os.Environ(), "NGINX=3;4;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		_ = f.Close()
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // and not SIGKILL: it must end its worker
		<-ended
		if t.Failed() && told.Len() > 0 {
			t.Logf("nginx said:\n%s", told.String())
		}
	})
	return peer{"nginx", addresses[0], addresses[1]}
}

// startFairlead migrates the configuration and serves the result as fairlead standalone does.
func (s *stage) startFairlead(t *testing.T, kind nginx.Kind) peer {
	t.Helper()
	original := filepath.Join(s.folder, "original.conf")
	config, err := nginxsyntax.Parse(original, []byte(s.content), nginxsyntax.Source{Read: os.ReadFile, Glob: filepath.Glob})
	if err != nil {
		t.Fatal(err)
	}
	result := nginx.Migrate(config, nginx.Options{Kind: kind, Read: os.ReadFile})
	var manifests bytes.Buffer
	if err := nginx.WriteYAML(&manifests, result.Objects); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.folder, "manifests")
	write(t, filepath.Join(folder, "all.yaml"), manifests.Bytes())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", manifests.Bytes())
		}
	})
	files, err := snapshot.NewFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	server, err := proxy.New(proxy.Options{
		HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0", AdminAddress: "", RedirectPort: 443,
		Registry: observe.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	serve(t, server, files)
	plain, secure, _ := server.Addrs()
	return peer{"fairlead", plain.String(), secure.String()}
}

func serve(t *testing.T, server *proxy.Server, files *snapshot.Files) {
	ctx, stop := context.WithCancel(context.Background())
	told := &lines{}
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		log := slog.New(slog.NewTextHandler(told, &slog.HandlerOptions{Level: slog.LevelWarn}))
		if err := controllers.Standalone(ctx, files, server, controllers.Options{Log: log}); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		if text := told.String(); text != "" {
			t.Logf("fairlead said:\n%s", text)
		}
	})
}

// lines is a buffer for many.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
