package observability_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/test/cluster"
	"github.com/fairlead/fairlead/test/pki"
)

// scrape is what a replica exposes: the value of each series, with its labels as they stand in the text.
type scrape map[string]float64

// manifests are a chat of two pods behind an Ingress with a certificate, and a route that leads nowhere.
const manifests = `
apiVersion: v1
kind: Namespace
metadata: {name: app}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec: {containers: [{name: chat, image: chat, ports: [{name: ws, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: chat, namespace: app}
spec:
  selector: {app: chat}
  ports: [{name: ws, port: 80, targetPort: ws}]
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: app}
spec:
  selector: {app: nobody}
  ports: [{name: ws, port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  namespace: app
  annotations: {fairlead.dev/keepalive-interval: 1s, fairlead.dev/keepalive-timeout: "off", fairlead.dev/ssl-redirect: "false"}
spec:
  ingressClassName: fairlead
  tls: [{hosts: [chat.test], secretName: chat-tls}]
  rules:
  - host: chat.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: chat, port: {name: ws}}}}
      - {path: /nobody, pathType: Prefix, backend: {service: {name: nobody, port: {name: ws}}}}
`

// taken is one replica scraped twice: with the first sockets, and with what came after.
var taken struct {
	sync.Once
	scrapes [2]scrape
}

func scrapes(t *testing.T) (before, after scrape) {
	t.Helper()
	taken.Do(func() { watchOneReplica(t) })
	if taken.scrapes[1] == nil {
		t.Fatal("there is no scrape: the test that took it has failed")
	}
	return taken.scrapes[0], taken.scrapes[1]
}

// watchOneReplica runs a replica against the control plane and lets happen to it what alerts and panels show.
func watchOneReplica(t *testing.T) {
	t.Helper()
	pair := (*pki.Authority)(nil).Issue(t, &x509.Certificate{DNSNames: []string{"chat.test"}})
	must(t, plane.ApplyYAML(t.Context(), strings.NewReader(manifests)))
	must(t, plane.Client.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "app", Name: "chat-tls"},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: pair.CertPEM(), corev1.TLSPrivateKeyKey: pair.KeyPEM(t)},
	}))
	r := startReplica(t)
	r.wait(t, "both pods are in the table", func() error { return r.has("fairlead_table_endpoints", 2) })

	stays := []*websocket.Conn{r.dial(t, "/socket"), r.dial(t, "/socket")}
	r.happen(t)
	r.wait(t, "Pings are answered", func() error {
		return r.has(`fairlead_keepalive_rtt_seconds_count{`, 1)
	})
	before, err := r.scrape()
	must(t, err)
	r.happen(t)
	r.happen(t)
	var pods corev1.PodList
	must(t, plane.Client.List(t.Context(), &pods, client.InNamespace("app")))
	must(t, node.Kill("app", pods.Items[0].Name)) // with one of those that stay: the two have one each
	more := func(series string) func() error {
		return func() error { return r.has(series, before.sum(series)+1) }
	}
	r.wait(t, "a pod was killed", more(`fairlead_session_ends_total{reason="Lost",route="ingress/app/chat/chat.test/",side="endpoint"}`))
	r.wait(t, "the table changes", more(`fairlead_publishes_total{result="changed"}`))
	r.wait(t, "Pings are answered again", more(`fairlead_keepalive_rtt_seconds_count{`))
	r.wait(t, "there was garbage", more(`go_gc_pauses_seconds_count`))
	r.wait(t, "ends are counted", func() error { return r.has(`fairlead_session_ends_total{`, 7) })
	after, err := r.scrape()
	must(t, err)
	for _, conn := range stays {
		must(t, conn.Close())
	}
	taken.scrapes = [2]scrape{before, after}
}

type replica struct{ http, admin string }

// happen is an orderly end, one that is none, a request, and two refusals.
func (r *replica) happen(t *testing.T) {
	t.Helper()
	polite, rude := r.dial(t, "/socket"), r.dial(t, "/socket")
	must(t, polite.WriteMessage(websocket.TextMessage, []byte("hello")))
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	must(t, polite.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(5*time.Second)))
	must(t, polite.SetReadDeadline(time.Now().Add(5*time.Second)))
	for {
		if _, _, err := polite.ReadMessage(); err != nil {
			break // its goodbye, after the chat's greeting
		}
	}
	must(t, polite.Close())
	must(t, rude.Close())
	must(t, r.plain("/"))
	for _, path := range []string{"/nobody", "/nobody/either"} {
		if _, answer, err := r.dialer().DialContext(t.Context(), "ws://chat.test"+path, nil); err == nil || answer == nil || answer.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s: %v, %v", path, answer, err)
		}
	}
}

// ownProc runs a program with a /proc of its own, where that is allowed. In the tests' namespace /proc is still that of
// the machine, where the program has another number, and would expose the memory and files of somebody else, or none.
const ownProc = `if unshare --mount true; then exec unshare --mount sh -c 'mount -t proc proc /proc; exec "$0" "$@"' "$0" "$@"; fi; exec "$0" "$@"`

func startReplica(t *testing.T) *replica {
	t.Helper()
	address := func() string {
		port, err := cluster.FreePort()
		must(t, err)
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	r := &replica{http: address(), admin: address()}
	log := filepath.Join(t.TempDir(), "fairlead.log")
	cmd := exec.Command("sh", "-c", ownProc, os.Getenv(binaryVariable), "controller",
		"--kubeconfig", plane.Kubeconfig, "--http-address", r.http, "--https-address=", "--admin-address", r.admin,
		"--publish-status-address", "192.0.2.1", "--leader-election-namespace", "default", "--drain-delay", "0s", "--drain-spread", "0s")
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=512MiB", "GOGC=5") // a limit, and garbage that is soon collected
	process, err := cluster.StartProcess("fairlead", log, cmd)
	must(t, err)
	t.Cleanup(func() {
		if err := process.Stop(20 * time.Second); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of fairlead's log:\n%s", cluster.Tail(log, 40))
		}
	})
	return r
}

func (r *replica) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		HandshakeTimeout: 20 * time.Second,
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, r.http)
		},
	}
}

func (r *replica) dial(t *testing.T, path string) *websocket.Conn {
	t.Helper()
	conn, answer, err := r.dialer().DialContext(t.Context(), "ws://chat.test"+path, nil)
	if err != nil {
		t.Fatalf("open a socket: %v (%v)", err, answer)
	}
	return conn
}

var once = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// plain sends a request that is no upgrade.
func (r *replica) plain(path string) error {
	request, err := http.NewRequest(http.MethodGet, "http://"+r.http+path, nil)
	if err != nil {
		return err
	}
	request.Host = "chat.test"
	answer, err := once.Do(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, answer.Status)
	}
	return nil
}

var series = regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)$`)

// scrape reads /metrics as Prometheus does. What is no number is left out.
func (r *replica) scrape() (scrape, error) {
	answer, err := once.Get("http://" + r.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // read to its end
	if err != nil {
		return nil, err
	}
	found := scrape{}
	for _, m := range series.FindAllStringSubmatch(string(text), -1) {
		if value, err := strconv.ParseFloat(m[2], 64); err == nil && !math.IsNaN(value) && !math.IsInf(value, 0) {
			found[m[1]] = value
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no series in %d bytes", len(text))
	}
	return found, nil
}

// has returns an error as long as the series that begin so sum up to less than that.
func (r *replica) has(prefix string, least float64) error {
	now, err := r.scrape()
	if err != nil {
		return err
	}
	if sum := now.sum(prefix); sum < least {
		return fmt.Errorf("%s… is %v, want %v", prefix, sum, least)
	}
	return nil
}

// sum adds up the series that begin so.
func (s scrape) sum(prefix string) (sum float64) {
	for name, value := range s {
		if strings.HasPrefix(name, prefix) {
			sum += value
		}
	}
	return sum
}

// wait polls until check returns nil.
func (r *replica) wait(t *testing.T, what string, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s: %v", what, err)
		}
	}
}
