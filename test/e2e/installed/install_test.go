package installed_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestInstall: from helm install to the first socket of a user. Namespaces enforce Pod Security "restricted".
func TestInstall(t *testing.T) {
	r := installed(t)
	told.say(t, "helm install --wait of two replicas: %s", r.took)

	ns := namespace(t, "install")
	address := r.http(t)
	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	began := time.Now()
	apply(t, ns, "chat.yaml")
	apply(t, ns, "ingress.yaml")
	firstSocket(t, "ws://"+host(ns)+"/socket", dialer)
	told.say(t, "from kubectl apply of application and Ingress to the first socket: %s", since(began))

	began = time.Now()
	out := helm(t, "test", r.name, "--namespace", r.namespace, "--logs")
	if !strings.Contains(out, "Succeeded") {
		t.Errorf("helm test says\n%s", out)
	}
	told.say(t, "helm test: %s", since(began))
}
