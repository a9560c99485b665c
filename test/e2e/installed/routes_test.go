package installed_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
	"github.com/fairlead/fairlead/test/pki"
)

// TestIngressAndWebSocketRoute: both kinds lead to sockets, and both tell where they are served.
func TestIngressAndWebSocketRoute(t *testing.T) {
	r := installed(t)
	ns := namespace(t, "routes")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	apply(t, ns, "route.yaml")
	address := r.balancer(t).String()
	eventually(t, 20*time.Second, "the Ingress tells the load balancer's address", func() error {
		return wanted(field(t, ns, "ingress/chat", "{.status.loadBalancer.ingress[*].ip}"), address)
	})
	eventually(t, 20*time.Second, "the WebSocketRoute tells it too", func() error {
		return wanted(field(t, ns, "wsr/chat", "{.status.addresses[*].value}"), address)
	})
	for _, url := range []string{"ws://" + host(ns) + "/socket", "ws://rooms." + host(ns) + "/socket"} {
		f := users(t, fleet.Options{URL: url, Address: r.http(t), Clients: 6, Header: named})
		for _, p := range f.Places() {
			if !strings.HasPrefix(p.Pod, "chat-") {
				t.Errorf("%s: greeted by %q", url, p.Pod)
			}
		}
	}
	table := strings.Split(strings.TrimSpace(kubectl(t, "get", "wsr", "--namespace", ns)), "\n")
	if len(table) != 2 {
		t.Fatalf("kubectl get wsr:\n%s", strings.Join(table, "\n"))
	}
	if got := strings.Join(strings.Fields(table[0]), " "); got != "NAME HOSTS CLASS PROGRAMMED ADDRESS AGE" {
		t.Errorf("kubectl get wsr: columns %s", got)
	}
	want := `chat ["rooms.` + host(ns) + `"] fairlead True ` + address
	if got := strings.Join(strings.Fields(table[1]), " "); !strings.HasPrefix(got, want+" ") {
		t.Errorf("kubectl get wsr: %s, want %s", got, want)
	}
}

// TestSecureSocketsKeepTheirPod: wss with the certificate of a Secret, which clients verify, and a cookie that leads them back.
func TestSecureSocketsKeepTheirPod(t *testing.T) {
	r := installed(t)
	ns := namespace(t, "secure")
	authority := pki.New(t, "the story's authority")
	pair := authority.For(t, "chat", "secure."+host(ns))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "tls.crt"), pair.CertPEM(), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "tls.key"), pair.KeyPEM(t), 0o600))
	kubectl(t, "create", "secret", "tls", "chat-tls", "--namespace", ns, "--cert", filepath.Join(dir, "tls.crt"), "--key", filepath.Join(dir, "tls.key"))
	chat(t, ns)
	apply(t, ns, "secure.yaml")

	f := users(t, fleet.Options{
		URL: "wss://secure." + host(ns) + "/socket", Address: r.https(t), Clients: 12, TLS: &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12},
	})
	before := f.Places()
	if pods := byPod(before); len(pods) != 3 {
		t.Errorf("the sockets of 12 clients are at the pods %v", pods)
	}
	stay := func(when string) {
		t.Helper()
		must(t, f.Rejoin(within(t, 30*time.Second)))
		for i, p := range f.Places() {
			if p.Pod != before[i].Pod {
				t.Errorf("%s: client %d was at %s and is at %s", when, i, before[i].Pod, p.Pod)
			}
		}
	}
	stay("back the first time")
	stay("back the second time")
	kubectl(t, "scale", "--namespace", ns, "deployment/chat", "--replicas=5")
	rolledOut(t, ns, "deployment/chat")
	stay("back after a scale-out")
}

// TestUsersKeepTheirPodByHash: who comes back gets its pod again, whichever replica of Fairlead is asked; of a scale-out to four pods
// about a quarter of the users notice anything, and these are at the new pod.
func TestUsersKeepTheirPodByHash(t *testing.T) {
	r := installed(t)
	ns := namespace(t, "hash")
	chat(t, ns)
	apply(t, ns, "route.yaml")
	const clients = 60
	f := users(t, fleet.Options{URL: "ws://rooms." + host(ns) + "/socket", Address: r.http(t), Clients: clients, Header: named})
	before := f.Places()
	if replicas := byReplica(before); len(replicas) != 2 {
		t.Errorf("the sockets go through the replicas %v", replicas)
	}
	for range 3 {
		must(t, f.Rejoin(within(t, 30*time.Second)))
		for i, p := range f.Places() {
			if p.Pod != before[i].Pod {
				t.Errorf("client %d was at %s through %s and is at %s through %s", i, before[i].Pod, before[i].Replica, p.Pod, p.Replica)
			}
		}
	}
	old := map[string]bool{}
	for _, pod := range names(t, ns, "pods", "--selector", "app=chat") {
		old[pod] = true
	}
	kubectl(t, "scale", "--namespace", ns, "deployment/chat", "--replicas=4")
	rolledOut(t, ns, "deployment/chat")
	moved := 0
	eventually(t, 20*time.Second, "users arrive at the new pod", func() error {
		must(t, f.Rejoin(within(t, 30*time.Second)))
		moved = 0
		for i, p := range f.Places() {
			if p.Pod == before[i].Pod {
				continue
			}
			if moved++; old[p.Pod] {
				t.Errorf("client %d moved from %s to %s, which are both old", i, before[i].Pod, p.Pod)
			}
		}
		if moved == 0 {
			return errNotYet // the new endpoint is on its way to the replicas
		}
		return nil
	})
	told.say(t, "by hash, from three pods to four: %d of %d users moved", moved, clients)
	// 60 users of whom each moves with probability 1/4: more than half move once in 100,000 runs.
	if moved > clients/2 {
		t.Errorf("%d of %d users moved", moved, clients)
	}
}
