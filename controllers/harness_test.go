package controllers

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fairlead/fairlead/proxy"

	"github.com/fairlead/fairlead/test/cluster"
)

func TestMain(m *testing.M) {
	ctrllog.SetLogger(logr.Discard()) // or it complains after half a minute
	os.Exit(cluster.RunTests(suite{m}))
}

// suite ends the control plane that the tests share, if any of them started it.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	code := s.m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

var shared struct {
	once    sync.Once
	cluster *cluster.Cluster
	err     error
}

// controlPlane returns the API server that the tests share; each works in a namespace and with an
// IngressClass of its own.
func controlPlane(t *testing.T) *cluster.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("needs an API server")
	}
	shared.once.Do(func() {
		shared.cluster, shared.err = cluster.Start(context.Background(), cluster.Options{
			CRDs: []string{filepath.Join("..", "config", "crd", "bases")}, Scheme: scheme, WithoutControllers: true,
		})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// tenant is a namespace and an IngressClass for one test.
type tenant struct {
	*cluster.Cluster
	t    *testing.T
	name string // of the namespace, the class and the Lease

	config *rest.Config // of the replicas
}

// runs counts how often a tenant was made.
var runs = map[string]int{}

func newTenant(t *testing.T, name string) *tenant {
	t.Helper()
	c := controlPlane(t)
	runs[name]++
	if again := runs[name]; again > 1 { // -count: namespaces of the runs before are still there
		name = fmt.Sprintf("%s-%d", name, again)
	}
	n := &tenant{Cluster: c, t: t, name: name, config: c.Config}
	n.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	class := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       networkingv1.IngressClassSpec{Controller: n.controller()},
	}
	n.create(class)
	t.Cleanup(func() { _ = n.Client.Delete(context.Background(), class) })
	return n
}

func (n *tenant) controller() string { return "test.fairlead.dev/" + n.name }

func (n *tenant) create(objects ...client.Object) {
	n.t.Helper()
	for _, o := range objects {
		if err := n.Client.Create(n.t.Context(), o); err != nil {
			n.t.Fatalf("create %T %s: %v", o, o.GetName(), err)
		}
	}
}

// share creates what is the cluster's, unless a run before has.
func (n *tenant) share(o client.Object) {
	n.t.Helper()
	if err := client.IgnoreAlreadyExists(n.Client.Create(n.t.Context(), o)); err != nil {
		n.t.Fatalf("create %T %s: %v", o, o.GetName(), err)
	}
}

func (n *tenant) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: n.name, Name: name}
}

// service creates a Service with one endpoint: a server that echoes WebSocket messages and answers
// plain requests with its name.
func (n *tenant) service(name string) {
	n.t.Helper()
	address := "10.244.9.9"
	if !n.Network.Isolated {
		address = n.Network.Address.String()
	}
	l, err := (&net.ListenConfig{}).Listen(n.t.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		n.t.Fatal(err)
	}
	pod := &httptest.Server{Listener: l, Config: &http.Server{Handler: echo(name), ReadHeaderTimeout: time.Minute}}
	pod.Start()
	n.t.Cleanup(func() {
		pod.CloseClientConnections()
		pod.Close()
	})
	at := netip.MustParseAddrPort(l.Addr().String())
	port, portName := int32(at.Port()), ""
	n.create(
		&corev1.Service{ObjectMeta: n.meta(name), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}},
		&discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: n.name, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{at.Addr().String()}}},
			Ports:       []discoveryv1.EndpointPort{{Name: &portName, Port: &port}},
		})
}

func echo(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !websocket.IsWebSocketUpgrade(r) {
			_, _ = io.WriteString(w, name)
			return
		}
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for {
			kind, message, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, message) != nil {
				return
			}
		}
	}
}

// ingress returns an Ingress of the tenant for a host and a Service.
func (n *tenant) ingress(name, host, service string) *networkingv1.Ingress {
	prefix := networkingv1.PathTypePrefix
	return &networkingv1.Ingress{
		ObjectMeta: n.meta(name),
		Spec: networkingv1.IngressSpec{IngressClassName: &n.name, Rules: []networkingv1.IngressRule{{
			Host: host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: &prefix,
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Number: 80}}},
			}}}},
		}}},
	}
}

// replica is one running controller with its data plane.
type replica struct {
	*proxy.Server
	t    *testing.T
	log  *logs
	stop func() // ends it as a SIGTERM does, and waits
}

// start runs a replica for the tenant.
func (n *tenant) start(o Options) *replica {
	n.t.Helper()
	out := &logs{}
	o.Log = slog.New(slog.NewTextHandler(out, nil))
	o.Translate.ControllerName = cmp.Or(o.Translate.ControllerName, n.controller())
	o.Lease.Namespace, o.Lease.Name = cmp.Or(o.Lease.Namespace, n.name), cmp.Or(o.Lease.Name, n.name)
	server, err := proxy.New(proxy.Options{
		HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", Log: o.Log,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	if err := server.Listen(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- Run(ctx, n.config, server, o) }()
	go func() { ended <- server.Serve(ctx) }()
	r := &replica{Server: server, t: n.t, log: out}
	r.stop = sync.OnceFunc(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				n.t.Errorf("a replica ended with %v", err)
			}
		}
		if n.t.Failed() {
			n.t.Logf("log of the replica:\n%s", out.String())
		}
	})
	n.t.Cleanup(r.stop)
	return r
}

// get asks the replica for a host and returns the answer's status and body.
func (r *replica) get(host string) string {
	r.t.Helper()
	address, _, _ := r.Addrs()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+address.String()+"/", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = host
	return ask(r.t, req)
}

// admin asks the replica's admin address.
func (r *replica) admin(path string) string {
	r.t.Helper()
	_, _, address := r.Addrs()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+address.String()+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return ask(r.t, req)
}

func ask(t *testing.T, req *http.Request) string {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

// socket opens a WebSocket through the replica.
func (r *replica) socket(host string) *websocket.Conn {
	r.t.Helper()
	address, _, _ := r.Addrs()
	c, res, err := websocket.DefaultDialer.DialContext(r.t.Context(), "ws://"+address.String()+"/", http.Header{"Host": {host}})
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// say sends a message and expects it back.
func say(t *testing.T, c *websocket.Conn, message string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != message {
		t.Fatalf("%q came back as %q, %v", message, got, err)
	}
}

// eventually waits until ok returns "" and fails with what it says otherwise.
func eventually(t *testing.T, ok func() string) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		said := ok()
		if said == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// logs collects log lines.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) count(words string) int { return strings.Count(l.String(), words) }
