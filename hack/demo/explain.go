package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/fairlead/fairlead/test/chat"
	"github.com/fairlead/fairlead/test/cluster"
)

// served opens a WebSocket through Fairlead and returns the name of the pod that greets, as soon as one does.
func (d *demo) served(ctx context.Context, url string) (pod string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	port := d.inner.HTTP
	if strings.HasPrefix(url, "wss:") {
		port = d.inner.HTTPS
	}
	for {
		pod, err := greeting(ctx, url, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return pod, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s is not served: %w\nthe end of %s:\n%s", url, err, fairleadLog, cluster.Tail(fairleadLog, 10))
		case <-d.fairlead.Exited():
			return "", fmt.Errorf("fairlead has ended: %w", d.fairlead.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func greeting(ctx context.Context, url, address string) (pod string, err error) {
	conn, err := open(ctx, url, address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	var hello chat.Hello
	err = conn.ReadJSON(&hello)
	return hello.Pod, err
}

var explanation = template.Must(template.New("").Parse(`
Everything is served. Open in a browser, or talk from a terminal:

  http://chat.localhost:{{.HTTP}}/                   the chat (Ingress demo/chat); https on port {{.HTTPS}}, self-signed
  go run ./hack/demo chat                       the same in a terminal
  go run ./hack/demo chat 'ws://ws.localhost:{{.HTTP}}/socket?room=blue'
                                                the WebSocketRoute demo/rooms: one room, one pod
  http://127.0.0.1:{{.Admin}}/                        routes, sessions, metrics

Leave a socket open, and in another terminal:

  export KUBECONFIG={{.Kubeconfig}}
  alias kubectl={{.Kubectl}}
  kubectl -n demo annotate ingress chat --overwrite fairlead.dev/idle-timeout=30m    # for new sockets; yours stays
  kubectl -n demo scale deployment chat --replicas=5                                 # yours stays
  kubectl -n demo scale deployment chat --replicas=1      # stays if its pod does; else Close 1001 after three seconds
  kubectl -n demo annotate ingress chat --overwrite fairlead.dev/idle-timeout=soon   # wrong: what happens?
  kubectl -n demo get events                                                         # this
  kubectl -n demo get wsr -o wide
  curl -s http://127.0.0.1:{{.Admin}}/routes
  curl -s http://127.0.0.1:{{.Admin}}/sessions

Manifests: hack/demo/manifests   Log of Fairlead: {{.Log}}
`))

// explain says what to open and what to try.
func (d *demo) explain() {
	absolute := func(path string) string {
		if full, err := filepath.Abs(path); err == nil {
			return full
		}
		return path
	}
	err := explanation.Execute(d.out, map[string]any{
		"HTTP": d.ports.HTTP, "HTTPS": d.ports.HTTPS, "Admin": d.ports.Admin,
		"Kubeconfig": absolute(kubeconfigFile), "Kubectl": absolute(".cache/kube/kubectl"), "Log": fairleadLog,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err) // the terminal is gone; the demo is not
	}
	if os.Getenv(readyVariable) == "" {
		tell(d.out, "Ctrl-C stops everything.")
	}
}
