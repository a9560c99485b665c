package controllers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// secureIngress creates an Ingress with a certificate of its own.
func (n *tenant) secureIngress(name, host, service string) {
	n.t.Helper()
	web := n.ingress(name, host, service)
	web.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: name}}
	n.create(web, n.certificate(n.name, name, host))
}

// certificate returns a Secret with a new certificate for a host.
func (n *tenant) certificate(namespace, name, host string) *corev1.Secret {
	n.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		n.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		n.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		n.t.Fatal(err)
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS, Data: map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}}
}

// visitor is a client that keeps its first ticket and shows it to every replica.
type visitor struct{ ticket *tls.ClientSessionState }

func (v *visitor) Get(string) (*tls.ClientSessionState, bool) { return v.ticket, v.ticket != nil }

func (v *visitor) Put(_ string, ticket *tls.ClientSessionState) {
	if v.ticket == nil {
		v.ticket = ticket
	}
}

// resumes visits a host over TLS, and says whether the visitor's ticket was good.
func (r *replica) resumes(host string, v *visitor) bool {
	r.t.Helper()
	_, address, _ := r.Addrs()
	conn, err := tls.Dial("tcp", address.String(), &tls.Config{ServerName: host, InsecureSkipVerify: true, ClientSessionCache: v})
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		r.t.Fatal(err)
	}
	return conn.ConnectionState().DidResume
}

// secret reads the Secret with the keys of tickets.
func (n *tenant) secret(name types.NamespacedName) (*corev1.Secret, error) {
	var s corev1.Secret
	return &s, n.Client.Get(n.t.Context(), name, &s)
}

// rotates waits until the Secret holds nothing but keys, one of them for the next turn.
func (n *tenant) rotates(name types.NamespacedName) ticketKeys {
	n.t.Helper()
	var keys ticketKeys
	eventually(n.t, func() string {
		s, err := n.secret(name)
		if err != nil {
			return err.Error()
		}
		var wrong []string
		if keys, wrong = readTicketKeys(s.Data); len(wrong) > 0 {
			return fmt.Sprintf("these are still there: %q", wrong)
		}
		if len(keys) < 2 || time.Until(keys[0].from) < time.Hour {
			return "there is no next key"
		}
		return ""
	})
	return keys
}

// aTurnLater makes the Secret look as if it had been written a turn ago.
func (n *tenant) aTurnLater(name types.NamespacedName) {
	n.t.Helper()
	keys := n.rotates(name)
	for i := range keys {
		keys[i].from = keys[i].from.Add(-ticketTurn)
	}
	n.fill(name, keys.data())
}

func (n *tenant) fill(name types.NamespacedName, data map[string][]byte) {
	n.t.Helper()
	s, err := n.secret(name)
	if err != nil {
		n.t.Fatal(err)
	}
	s.Data = data
	if err := n.Client.Update(n.t.Context(), s); err != nil {
		n.t.Fatal(err)
	}
}

func (n *tenant) forgetTickets(name types.NamespacedName) {
	n.t.Helper()
	s := &corev1.Secret{}
	s.Namespace, s.Name = name.Namespace, name.Name
	if err := client.IgnoreNotFound(n.Client.Delete(n.t.Context(), s)); err != nil {
		n.t.Fatal(err)
	}
}

// shares waits until what one replica seals the other opens.
func (r *replica) shares(with *replica, host string) {
	r.t.Helper()
	eventually(r.t, func() string {
		v := new(visitor)
		r.resumes(host, v)
		if !with.resumes(host, v) {
			return "a replica refuses the tickets of another"
		}
		return ""
	})
}

// publishes counts how often the replica has looked at the cluster, up to an Ingress for a new host,
// whether anything had changed or not.
func (n *tenant) publishes(r *replica, host string) int {
	n.t.Helper()
	n.create(n.ingress(strings.ReplaceAll(host, ".", "-"), host, "chat"))
	r.answers(host, "200 chat")
	var all int
	for line := range strings.Lines(r.admin("/metrics")) {
		if strings.HasPrefix(line, "fairlead_publishes_total") {
			var count int
			if _, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &count); err != nil {
				n.t.Fatal(err)
			}
			all += count
		}
	}
	return all
}

// Clients come back to another replica with the ticket that they have, before and after a rotation,
// which touches no route. Who deletes the Secret revokes them.
func TestReplicasShareTheKeysOfTickets(t *testing.T) {
	const host = "chat.example.com"
	n := newTenant(t, "tickets")
	n.service("chat")
	n.secureIngress("chat", host, "chat")
	o := Options{TicketSecret: "keys", Lease: LeaseOptions{Namespace: n.name}}
	first, second := n.start(o), n.start(o)
	for _, r := range []*replica{first, second} {
		r.ready()
	}
	first.shares(second, host)
	client := new(visitor)
	first.resumes(host, client)
	drawn := n.rotates(o.ticketSecret())
	publishes := n.publishes(first, "before.example.com")

	n.aTurnLater(o.ticketSecret())
	keys := n.rotates(o.ticketSecret())
	if len(keys) != 3 || keys[1].key != drawn[0].key || keys[2].key != drawn[1].key {
		t.Errorf("the keys before a rotation are not kept: %s", keys.plan())
	}
	second.shares(first, host)
	if !first.resumes(host, client) || !second.resumes(host, client) {
		t.Error("a rotation killed a ticket")
	}

	n.forgetTickets(o.ticketSecret())
	eventually(t, func() string {
		if first.resumes(host, client) || second.resumes(host, client) {
			return "a ticket is good although its key was deleted"
		}
		return ""
	})
	fresh := n.rotates(o.ticketSecret())
	first.shares(second, host)
	if got := n.publishes(first, "after.example.com"); got != publishes+1 {
		t.Errorf("%d publishes for keys of tickets", got-publishes-1)
	}
	log := first.log.String() + second.log.String()
	if n := first.log.count("keys of session tickets rotated") + second.log.count("keys of session tickets rotated"); n != 3 {
		t.Errorf("%d rotations are logged", n)
	}
	for _, k := range slices.Concat(keys, fresh) {
		begins := k.key[:6]
		for _, form := range []string{string(begins), hex.EncodeToString(begins), base64.StdEncoding.EncodeToString(begins), strings.Trim(fmt.Sprintf("%d", begins), "[]")} {
			if strings.Contains(log, form) {
				t.Fatal("a key stands in the log")
			}
		}
	}
}

// A Secret that holds other things is mended, and what is wrong with it is told.
func TestASecretWithOtherEntriesIsMended(t *testing.T) {
	n := newTenant(t, "mended")
	o := Options{TicketSecret: "keys", Lease: LeaseOptions{Namespace: n.name}}
	r := n.start(o)
	keys := n.rotates(o.ticketSecret())
	wrong := keys.data()
	wrong["20260701T120000Z"] = []byte("too short")
	wrong["note"] = []byte("do not touch")
	n.fill(o.ticketSecret(), wrong)
	if now := n.rotates(o.ticketSecret()); now[0].key != keys[0].key || len(now) != len(keys) {
		t.Error("good keys paid for wrong entries")
	}
	eventually(t, func() string {
		if r.log.count(`left out: [\"20260701T120000Z\" \"note\"]`) != 1 {
			return "the wrong entries are not told"
		}
		return ""
	})
	n.fill(o.ticketSecret(), map[string][]byte{"20260701T120000Z": nil})
	n.rotates(o.ticketSecret())
}

// A Secret that was installed empty gets keys, and keeps what whoever installed it wrote on it: without its annotation kubectl
// apply warns the next time.
func TestAnInstalledSecretKeepsWhatIsWrittenOnIt(t *testing.T) {
	n := newTenant(t, "installed-keys")
	o := Options{TicketSecret: "keys", Lease: LeaseOptions{Namespace: n.name}}
	empty := &corev1.Secret{ObjectMeta: n.meta("keys"), Type: ticketSecretType}
	empty.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "meta.helm.sh/release-name": "fairlead"}
	n.create(empty)
	n.start(o)
	n.rotates(o.ticketSecret())
	s, err := n.secret(o.ticketSecret())
	if err != nil || !maps.Equal(s.Annotations, empty.Annotations) {
		t.Errorf("annotations %v, %v", s.Annotations, err)
	}
}

// A Secret of somebody else is left as it is. Without shared keys replicas serve as before.
func TestASecretOfSomebodyElseIsLeftAlone(t *testing.T) {
	const host = "foreign.example.com"
	n := newTenant(t, "foreign-keys")
	n.service("chat")
	n.secureIngress("chat", host, "chat")
	o := Options{TicketSecret: "database", Lease: LeaseOptions{Namespace: n.name}}
	password := map[string][]byte{"password": []byte("s3cret")}
	n.create(&corev1.Secret{ObjectMeta: n.meta("database"), Data: password})
	r := n.start(o)
	r.ready()
	eventually(t, func() string {
		if r.log.count("belongs to somebody else") == 0 || r.log.count("this replica leads:") == 0 {
			return "the Secret of somebody else is not told"
		}
		return ""
	})
	r.shares(r, host)
	if s, err := n.secret(o.ticketSecret()); err != nil || !maps.EqualFunc(s.Data, password, slices.Equal) {
		t.Errorf("the Secret was changed, or %v", err)
	}
	if r.log.count("s3cret") > 0 || r.log.count("belongs to somebody else") > 1 {
		t.Errorf("too much is told:\n%s", r.log)
	}

	n.forgetTickets(o.ticketSecret())
	n.rotates(o.ticketSecret())
}

// The rights as installed are for one name. With another the first keys are written, but never
// rotated: the leader says so, once, and everything is served.
func TestKeysThatCanNotBeWrittenAreTold(t *testing.T) {
	n := newTenant(t, "unwritable")
	n.asInstalled()
	o := Options{TicketSecret: n.name, Lease: LeaseOptions{Namespace: "fairlead-system"}}
	n.forgetTickets(o.ticketSecret())
	r := n.start(o)
	r.ready()
	n.aTurnLater(o.ticketSecret())
	eventually(t, func() string {
		if r.log.count("level=ERROR") == 0 {
			return "nobody says that the keys are not rotated"
		}
		return ""
	})
	n.fill(o.ticketSecret(), nil)
	eventually(t, func() string {
		if r.log.count("no shared key for session tickets is left") == 0 {
			return "the replica has not looked again"
		}
		return ""
	})
	if told := r.log.count("can't be written"); told != 1 || r.log.count("level=ERROR") != 1 {
		t.Errorf("told %d times:\n%s", told, r.log)
	}
}
