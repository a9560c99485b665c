package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/test/chat"
)

// world is a namespace with some Services, each with a pod behind it.
type world struct {
	*testing.T
	ns string
}

// given makes a world with these Services.
func given(t *testing.T, services ...string) *world {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "conformance-"}}
	if err := plane.Client.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Client.Delete(context.WithoutCancel(t.Context()), ns); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, ns: ns.Name}
	for _, service := range services {
		w.apply(strings.ReplaceAll(service1, "SERVICE", service))
	}
	return w
}

// service1 is a Service with one pod, whose name begins with that of the Service.
const service1 = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: SERVICE}
spec:
  replicas: 1
  selector: {matchLabels: {app: SERVICE}}
  template:
    metadata: {labels: {app: SERVICE}}
    spec: {containers: [{name: chat, image: chat, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: SERVICE}
spec:
  selector: {app: SERVICE}
  ports: [{name: http, port: 80, targetPort: http}]
`

// apply applies manifests in the world's namespace.
func (w *world) apply(manifests string) {
	w.Helper()
	manifests = strings.ReplaceAll(manifests, "metadata: {", "metadata: {namespace: "+w.ns+", ")
	if err := plane.ApplyYAML(w.Context(), strings.NewReader(manifests)); err != nil {
		w.Fatal(err)
	}
}

// served waits until the status of an Ingress shows the address: from then on it is served.
func (w *world) served(name string) {
	w.Helper()
	w.eventually("Ingress "+name+" has an address", func() error {
		var i networkingv1.Ingress
		if err := plane.Client.Get(w.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &i); err != nil {
			return err
		}
		if got := i.Status.LoadBalancer.Ingress; len(got) != 1 || got[0].IP != published {
			return fmt.Errorf("the status is %v", got)
		}
		return nil
	})
}

// eventually polls until check returns nil.
func (w *world) eventually(what string, check func() error) {
	w.Helper()
	const patience = 30 * time.Second
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s: not within %s: %v", what, patience, err)
		}
	}
}

// visit is a request and who must answer it: a Service, or "404".
type visit struct{ url, want string }

// visits checks each by a plain request and by a socket. The first may take until its pod is ready.
func (w *world) visits(list ...visit) {
	w.Helper()
	for _, v := range list {
		w.Run(v.url+" goes to "+v.want, func(t *testing.T) {
			inner := world{T: t, ns: w.ns}
			inner.eventually("plain requests", func() error { return wanted(request(t.Context(), v.url))(v.want) })
			inner.eventually("sockets", func() error { return wanted(socket(t.Context(), v.url))(v.want) })
		})
	}
}

func wanted(got string, err error) func(want string) error {
	return func(want string) error {
		if err == nil && got != want {
			err = fmt.Errorf("it went to %s", got)
		}
		return err
	}
}

// dial goes to the proxy, whatever the host.
func dial(ctx context.Context, _, address string) (net.Conn, error) {
	to := plain
	if strings.HasSuffix(address, ":443") {
		to = secure
	}
	return new(net.Dialer).DialContext(ctx, "tcp", to)
}

var (
	anyCertificate = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // what is served matters here, not by whom
	browser        = &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DialContext: dial, TLSClientConfig: anyCertificate, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	sockets = &websocket.Dialer{HandshakeTimeout: 10 * time.Second, NetDialContext: dial, TLSClientConfig: anyCertificate}
)

// request returns the Service that answers a plain request, or the status.
func request(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := browser.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return "", err
	}
	return who(answer), nil
}

// socket returns the Service that takes a socket, or the status.
func socket(ctx context.Context, url string) (string, error) {
	conn, answer, err := sockets.DialContext(ctx, "ws"+strings.TrimPrefix(url, "http"), nil)
	if errors.Is(err, websocket.ErrBadHandshake) {
		// The chat page of a pod answers paths without a socket: the pod was found all the same.
		return who(answer), nil
	}
	if err != nil {
		return "", err
	}
	return who(answer), conn.Close()
}

// who returns the Service whose pod answered, or the status when none did.
func who(answer *http.Response) string {
	pod := answer.Header.Get(chat.HeaderPod)
	if pod == "" {
		return fmt.Sprint(answer.StatusCode)
	}
	// Deployment-hash-hash.
	parts := strings.Split(pod, "-")
	return strings.Join(parts[:max(len(parts)-2, 1)], "-")
}
