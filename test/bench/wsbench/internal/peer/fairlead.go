//go:build linux

package peer

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fairleadManifests lead to the backend. Blanks: its port, endpoints.
const fairleadManifests = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: bench}
spec: {ports: [{name: ws, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: bench-1, labels: {kubernetes.io/service-name: bench}}
addressType: IPv4
ports: [{name: ws, port: %[1]d}]
endpoints: [%[2]s]
`

// fairleadSecret is the certificate. Blanks: certificate, key, both indented.
const fairleadSecret = `apiVersion: v1
kind: Secret
metadata: {name: bench-tls}
type: kubernetes.io/tls
stringData:
  tls.crt: |
%s
  tls.key: |
%s
`

// fairleadRoute is the route of the measured host, in a file of its own, which churn rewrites.
// Blanks: host, idle timeout in seconds, number of another host.
const fairleadRoute = `apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: bench}
spec:
  ingressClassName: fairlead
  hosts: [%[1]s]
  tls: [{hosts: [%[1]s], secretName: bench-tls}]
  rules: [{backends: [{name: bench, port: ws}]}]
  policy: {timeouts: {idle: %[2]ds}}
---
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: other}
spec:
  ingressClassName: fairlead
  hosts: [other-%[3]d.localhost]
  rules: [{backends: [{name: bench, port: ws}]}]
`

// Fairlead is Fairlead from a binary, under a name; two builds can be measured beside each other.
func Fairlead(name, binary string) *Peer {
	return &Peer{Name: name, Binary: binary, Version: versionOf(binary, "version"), Ours: true,
		configure: configureFairlead, publish: publishFairlead}
}

func configureFairlead(s Site) ([]string, error) {
	folder := filepath.Join(s.Folder, "manifests")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	var endpoints []string
	for _, a := range s.Backends {
		endpoints = append(endpoints, fmt.Sprintf("{addresses: [%s]}", a.Addr()))
	}
	text := fmt.Sprintf(fairleadManifests, s.Backends[0].Port(), strings.Join(endpoints, ", "))
	if _, err := s.write("manifests/backend.yaml", text); err != nil {
		return nil, err
	}
	text = fmt.Sprintf(fairleadSecret, indent(s.Certificate.Chain), indent(s.Certificate.Key))
	if _, err := s.write("manifests/secret.yaml", text); err != nil {
		return nil, err
	}
	if err := writeRoute(s, 0); err != nil {
		return nil, err
	}
	return []string{"standalone", "--manifests", folder, "--http-address", s.HTTP.String(), "--https-address", s.HTTPS.String(),
		"--admin-address", s.Admin.String(), "--log-level=warn"}, nil
}

// writeRoute writes the routes at once, as a file that was never half written.
func writeRoute(s Site, n int) error {
	path, err := s.write("route.new", fmt.Sprintf(fairleadRoute, s.Host, 3600+n, n))
	if err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(s.Folder, "manifests", "route.yaml"))
}

// publishTimeout bounds the time from a change of a file to the table that serves it.
const publishTimeout = 10 * time.Second

// publishFairlead changes the policy of the measured route and the host of another one, and waits
// until the metrics tell that a changed table was published.
func publishFairlead(ctx context.Context, s Site, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, publishTimeout, fmt.Errorf("change %d was not published within %s", n, publishTimeout))
	defer cancel()
	before, err := published(ctx, s)
	if err != nil {
		return err
	}
	if err := writeRoute(s, n); err != nil {
		return err
	}
	for {
		now, err := published(ctx, s)
		if err != nil {
			return err
		}
		if now > before {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// published is how many changed tables the proxy has published.
func published(ctx context.Context, s Site) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Admin.String()+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	lines := bufio.NewScanner(response.Body)
	count := 0
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), `fairlead_publishes_total{result="changed"} `); ok {
			if count, err = strconv.Atoi(value); err != nil {
				return 0, err
			}
		}
	}
	return count, lines.Err()
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
