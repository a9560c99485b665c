package front

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/proxy"
)

// HAProxy looks at /readyz every 100 ms and leaves a replica at the second failure.
const (
	checkInterval = 100 * time.Millisecond
	checkFall     = 2
)

func drainsIn(delay time.Duration) func(*proxy.Options) {
	return func(o *proxy.Options) {
		o.Drain = proxy.DrainOptions{Delay: delay, Spread: 500 * time.Millisecond, Timeout: patience}
	}
}

// A replica that goes accepts for longer than the balancer needs to notice: whoever dials all the time,
// through the balancer, is always served.
func TestWhileAReplicaGoesNobodyIsRefused(t *testing.T) {
	goes, stays := startReplica(t, "", drainsIn(10*checkFall*checkInterval)), startReplica(t, "")
	server := func(name string, r *replica) string {
		_, port, _ := strings.Cut(r.admin, ":")
		return fmt.Sprintf("server %s %s check port %s", name, r.http, port)
	}
	front := startHAProxy(t, "1m", "option httpchk GET /readyz", "option redispatch", "retries 0",
		fmt.Sprintf("default-server inter %dms fall %d rise 1", checkInterval.Milliseconds(), checkFall),
		server("goes", goes), server("stays", stays))

	var before []*socket // on both replicas
	for len(before) < 8 {
		before = append(before, open(t, client, "ws://"+front))
	}
	goes.stop()
	left := 0
	for begun := time.Now(); time.Since(begun) < patience; {
		s, err := dial(t, client, "ws://"+front)
		if err != nil {
			t.Fatalf("%v after the replica was told to go, a client was refused: %v", time.Since(begun), err)
		}
		_ = s.conn.Close()
		if left = ended(before); left == len(before)/2 {
			break
		}
		time.Sleep(10 * time.Millisecond) // the pace of clients
	}
	if left != len(before)/2 {
		t.Fatalf("%d of %d sockets ended", left, len(before))
	}
	for _, s := range before {
		select {
		case <-s.over:
			if !websocket.IsCloseError(s.err, websocket.CloseGoingAway) {
				t.Errorf("a socket of the replica that went ended with %v, not with 1001", s.err)
			}
		default:
			if !s.echoes("hello") {
				t.Error("a socket of the other replica does not live any more")
			}
		}
	}
}

// ended is how many sockets are over.
func ended(sockets []*socket) int {
	n := 0
	for _, s := range sockets {
		select {
		case <-s.over:
			n++
		default:
		}
	}
	return n
}

// /readyz is what balancers ask, and says 503 as soon as the replica is told to go.
func TestReadinessIsWithdrawnBeforeAnythingElse(t *testing.T) {
	r := startReplica(t, "", drainsIn(2*time.Second))
	s := open(t, client, "ws://"+r.http)
	r.stop()
	until(t, "/readyz says 503", func() bool { return status(t, r) == http.StatusServiceUnavailable })
	if another, err := dial(t, client, "ws://"+r.http); err != nil || !another.echoes("hello") {
		t.Errorf("during the delay a client was refused: %v", err)
	}
	if !s.echoes("hello") {
		t.Error("a socket was cut during the delay")
	}
}

func status(t *testing.T, r *replica) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.admin+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}
