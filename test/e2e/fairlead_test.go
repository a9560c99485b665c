package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/cluster"
)

// fairlead is a running fairlead controller.
type fairlead struct {
	*cluster.Process
	http, https, admin string // addresses
}

// startFairlead starts a controller that is ready. The test's end stops it, and fails the test if it ended
// by itself, badly, or saw a data race.
func startFairlead(t *testing.T, flags ...string) *fairlead {
	t.Helper()
	f := &fairlead{http: freeAddress(t), https: freeAddress(t), admin: freeAddress(t)}
	args := append([]string{"controller",
		"--kubeconfig", account,
		"--http-address", f.http, "--https-address", f.https, "--admin-address", f.admin,
		"--publish-status-address", "192.0.2.1",
		"--leader-election-namespace", "fairlead-system",
		"--drain-delay", "0s", "--drain-spread", "1s",
		"--log-format", "text",
	}, flags...)
	log := filepath.Join(t.TempDir(), "fairlead.log")
	var err error
	f.Process, err = cluster.StartProcess("fairlead", log, exec.Command(os.Getenv(binaryVariable), args...))
	must(t, err)
	t.Cleanup(func() {
		if err := f.Stop(20 * time.Second); err != nil {
			t.Error(err)
		}
		if err := f.Err(); err != nil { // a race detector that found something ends with code 66
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of fairlead's log:\n%s", cluster.Tail(log, 60))
			t.Logf("the end of kube-controller-manager's log:\n%s", cluster.Tail(plane.LogFile("kube-controller-manager"), 20))
			pods, err := plane.Kubectl(context.WithoutCancel(t.Context()), "get", "pods,deployments,endpointslices", "--all-namespaces")
			t.Logf("what there is (%v):\n%s", err, pods)
		}
	})
	eventually(t, 20*time.Second, "fairlead is ready", func() error {
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		status, err := f.readiness()
		if err != nil {
			return err
		}
		return wanted(status, http.StatusOK)
	})
	return f
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := cluster.FreePort()
	must(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// admins asks admin addresses. Connections are not kept, so that none is left over when a fairlead ends.
var admins = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (f *fairlead) readiness() (status int, err error) {
	answer, err := admins.Get("http://" + f.admin + "/readyz")
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// route is what /routes shows of a route, as far as the tests look.
type route struct {
	ID       string
	Sessions int
	Timeouts struct{ Idle string }
	Backends []struct {
		Backend   string
		Endpoints []struct{ Address, Name, State string }
	}
}

// ready returns the number of endpoints that take new sessions.
func (r *route) ready() int {
	count := 0
	for _, backend := range r.Backends {
		for _, endpoint := range backend.Endpoints {
			if endpoint.State == "Ready" {
				count++
			}
		}
	}
	return count
}

// routes returns the published table, by the names of routes.
func (f *fairlead) routes() (map[string]*route, error) {
	answer, err := admins.Get("http://" + f.admin + "/routes")
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	var list []*route
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("/routes: %w", err)
	}
	byID := make(map[string]*route, len(list))
	for _, one := range list {
		byID[one.ID] = one
	}
	return byID, nil
}

// published waits until the table holds a route for which check returns nil. After an absence of the API
// server that may take a while: watches come back with a growing pause.
func (f *fairlead) published(t *testing.T, id string, check func(*route) error) {
	t.Helper()
	eventually(t, 60*time.Second, "route "+id, func() error {
		table, err := f.routes()
		if err != nil {
			return err
		}
		if table[id] == nil {
			return fmt.Errorf("%w: no such route", errNotYet)
		}
		return check(table[id])
	})
}

// metric returns the sum of the series of a metric.
func (f *fairlead) metric(name string) (float64, error) {
	answer, err := admins.Get("http://" + f.admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	sum, found := 0.0, false
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if base, _, _ := strings.Cut(series, "{"); base != name {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+number, true
	}
	if !found {
		return 0, fmt.Errorf("no metric %s", name)
	}
	return sum, nil
}
