package feature

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fairlead/fairlead/test/chat"
)

// pod is a chat server that remembers what it was asked.
type pod struct {
	*chat.Server
	t      *testing.T
	mu     sync.Mutex
	seen   []*http.Request
	answer http.HandlerFunc // nil: that of the chat server
}

func (p *pod) before(w http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	answer := p.answer
	p.seen = append(p.seen, r.Clone(r.Context()))
	p.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
	return answer != nil
}

// Kill ends the pod as chat.Server.Kill does, and sees to it that nobody gets its port: a story that
// runs beside might, and answer in its place.
func (p *pod) Kill() {
	at := p.Address()
	p.Server.Kill()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = syscall.Close(fd) })
	again := func(on int) {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, on); err != nil {
			p.t.Fatal(err)
		}
	}
	again(1) // for what is left of its connections
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: at.Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		p.t.Fatal(err)
	}
	again(0) // it is bound and does not listen, so the kernel refuses connections
}

// answers has the pod answer all requests so from now on; nil: as a chat server does.
func (p *pod) answers(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// status has the pod answer all requests with a status from now on.
func (p *pod) status(code int) {
	p.answers(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "so says the pod", code) })
}

// last is the request that the pod saw last.
func (p *pod) last(t *testing.T) *http.Request {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		t.Fatal("the pod was asked nothing")
	}
	return p.seen[len(p.seen)-1]
}

// asked is how often the pod was asked, since forget.
func (p *pod) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

func (p *pod) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

// pod returns the running pod of that name.
func (w *world) pod(name string) *pod {
	w.t.Helper()
	if p := w.pods[name]; p != nil {
		return p
	}
	p := &pod{t: w.t}
	var err error
	p.Server, err = chat.Listen("127.0.0.1:0", chat.Options{Pod: name, Before: p.before})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	w.pods[name] = p
	return p
}

// service returns the manifests of a Service whose pods are started with it; "!name" terminates,
// "-name" is not ready. Its one port is named ws and has the number 80.
func (w *world) service(name string, pods ...string) string {
	w.t.Helper()
	manifests := []string{serviceOf(name, "")}
	for _, marked := range pods {
		pod := strings.TrimLeft(marked, "!-")
		conditions := "" // nothing said: ready
		switch marked[0] {
		case '!':
			conditions = "conditions: {ready: false, serving: true, terminating: true}"
		case '-':
			conditions = "conditions: {ready: false}"
		}
		manifests = append(manifests, endpointSlice(name, pod, w.pod(pod).Address(), conditions))
	}
	return strings.Join(manifests, separator)
}

// serviceOf returns a Service without endpoints. more stands in its spec.
func serviceOf(name, more string) string {
	if more == "" {
		more = "ports: [{name: ws, port: 80}]"
	}
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {%s}`, name, more)
}

// endpointSlice returns a slice of a Service with one endpoint. more stands beside its address.
func endpointSlice(service, name string, at net.Addr, more string) string {
	address := at.(*net.TCPAddr)
	return fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s-%s, labels: {kubernetes.io/service-name: %s}}
addressType: IPv4
ports: [{name: ws, port: %d}]
endpoints: [{addresses: ["%s"], %s}]`, service, name, service, address.Port, address.IP, more)
}
