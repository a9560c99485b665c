//go:build linux && !portable

package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/proxy"
)

// idle waits until no event loop has anything.
func (r *replica) idle() {
	r.t.Helper()
	eventually(r.t, "no loop has anything to do", func() bool { return !slices.ContainsFunc(r.Loads(), func(n int64) bool { return n != 0 }) })
}

// accepted waits until the loops have so many connections.
func (r *replica) accepted(n int64) {
	r.t.Helper()
	eventually(r.t, "the connections are accepted", func() bool {
		sum := int64(0)
		for _, load := range r.Loads() {
			sum += load
		}
		return sum == n
	})
}

// A client's request and its end may be told at once, and an end is told once.
func TestTheEndOfAClientMayComeWithItsRequest(t *testing.T) {
	r, g := begin(t), newGate(t)
	r.publish(between(g))
	r.get("/readyz")
	if err := r.AcceptAtOnce(); err != nil {
		t.Fatal(err)
	}
	client := r.connect()
	r.accepted(1)
	release := r.HoldLoops()
	client.says(knock)
	_ = client.CloseWrite()
	release()
	client.gone()
	r.comesTo("ClientGone")
	r.idle()
}

func TestWhoConnectsAndSaysNothingIsLetGo(t *testing.T) {
	r := begin(t, func(o *proxy.Options) { o.Drain.Timeout = patience })
	r.publish(service(newPod(t, "a")))
	r.get("/readyz")
	if err := r.AcceptAtOnce(); err != nil {
		t.Fatal(err)
	}
	var clients []*wire
	for range 10 {
		clients = append(clients, r.connect())
	}
	r.accepted(10)
	_, _ = clients[0].Close(), clients[9].Close()
	clients[1].reset()
	_ = clients[5].CloseWrite()
	clients[5].gone()
	r.accepted(6)
	clients[4].says("GET / HTTP/1.1\r\nHost: nobody.example.com\r\n\r\n")
	clients[4].answered(404, "NoRoute: ")
	clients[3].says(knock[:10])
	r.accepted(4)
	r.stop()
	for _, i := range []int{2, 4, 6, 7, 8} {
		clients[i].gone()
	}
	r.accepted(0)
	_ = clients[3].Close()
	r.over(time.Now())
}

// Slow senders hold nothing for long.
func TestAHeadHasTenSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	t.Parallel()
	r := start(t)
	r.publish(service(newPod(t, "a")))
	r.get("/readyz")
	if err := r.AcceptAtOnce(); err != nil {
		t.Fatal(err)
	}
	silent, slow := r.connect(), r.connect()
	began := time.Now()
	slow.says("G")
	for _, w := range []*wire{silent, slow} {
		_ = w.SetDeadline(began.Add(2 * patience))
		if said, err := io.ReadAll(w.from); err != nil || w == silent && len(said) > 0 {
			t.Errorf("heard %q, %v", said, err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 15*time.Second {
			t.Errorf("closed after %v", took)
		}
	}
	r.idle()
}

// alone reports whether the story is told in a process of its own, with these variables set. If not,
// it lets it be told there, and gives what that process has written.
func alone(t *testing.T, variables ...string) (told bool) {
	t.Helper()
	const name = "FAIRLEAD_TEST_ALONE"
	if os.Getenv(name) == t.Name() {
		return true
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.timeout", "60s")
	c.Env = append(append(os.Environ(), name+"="+t.Name()), variables...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func TestLoopsHaveAboutTheSameToDo(t *testing.T) {
	if !alone(t, "GOMAXPROCS=4") {
		return
	}
	const clients = 1000
	r := begin(t)
	r.publish(service(newPod(t, "a")))
	r.get("/readyz")
	if n := len(r.Loads()); n != 4 {
		t.Fatalf("%d loops", n)
	}
	open := make([]*wire, 0, clients)
	for i := range clients {
		w := r.connect()
		w.says(knock)
		if open = append(open, w); i%50 == 49 {
			for _, w := range open[i-49:] {
				w.letIn()
			}
		}
	}
	r.accepted(clients)
	for _, n := range r.Loads() {
		if n > clients*30/100 {
			t.Errorf("the loops have %v sockets", r.Loads())
		}
	}
	for _, w := range open {
		_ = w.Close()
	}
	r.idle()
}

// A process that has no descriptors left accepts nothing, says why, and goes on when it has some.
func TestAReplicaWithoutDescriptorsGoesOnLater(t *testing.T) {
	if !alone(t) {
		return
	}
	j := new(journal)
	r := start(t, func(o *proxy.Options) { o.Log = slog.New(slog.NewTextHandler(j, nil)) })
	r.publish(service(newPod(t, "a")))
	r.open(host, "/").say("x")
	r.get("/readyz")

	var waiting []net.Conn
	for range 20 { // connected by the kernel, accepted by nobody: their own descriptors are there already
		waiting = append(waiting, r.connect())
	}
	limit := hoard(t)
	for _, conn := range waiting {
		_, _ = io.WriteString(conn, knock)
	}
	eventually(t, "it says so", func() bool { return j.count("can't accept connections for now") > 0 })
	time.Sleep(time.Second) // in which it tries again, some times
	if n := j.count("can't accept connections for now"); n != 1 {
		t.Errorf("told %d times", n)
	}
	limit()
	for _, conn := range waiting {
		answer, err := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
			t.Errorf("answered %q, %v", answer, err)
		}
	}
	if got := r.open(host, "/").say("y"); got != "a: y" {
		t.Errorf("heard %q", got)
	}
}

// hoard takes all descriptors that are left, up to a limit; release gives them back.
func hoard(t *testing.T) (release func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	highest := 0
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		var n int
		_, _ = fmt.Sscan(e.Name(), &n)
		highest = max(highest, n)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(highest) + 1, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	return func() {
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	}
}
