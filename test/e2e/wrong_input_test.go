package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// wrongIngress is an Ingress with one mistake; NAME, ANNOTATION, PATH, SERVICE, PORT and SECRET are filled in.
const wrongIngress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: NAME
  namespace: %[1]s
  annotations: {ANNOTATION}
spec:
  ingressClassName: fairlead
  tls: [{hosts: [NAME.%[1]s.test], secretName: SECRET}]
  rules:
  - host: HOST
    http:
      paths:
      - {path: "PATH", pathType: ImplementationSpecific, backend: {service: {name: SERVICE, port: {PORT}}}}
      - {path: /fine, pathType: Prefix, backend: {service: {name: chat, port: {name: ws}}}}
`

const brokenSecret = `
apiVersion: v1
kind: Secret
metadata: {name: broken, namespace: %[1]s}
type: kubernetes.io/tls
stringData: {tls.crt: "not a certificate", tls.key: "not a key"}
`

const orphanRoute = `
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: orphan, namespace: %[1]s}
spec:
  ingressClassName: fairlead
  hosts: [orphan.%[1]s.test]
  rules:
  - matches: [{path: {value: /lost}}]
    backends: [{name: nowhere, port: 80}]
  - name: fine
    matches: [{path: {value: /socket}}]
    backends: [{name: chat, port: ws}]
`

// mistake is a wrong Ingress: what is filled in, and what its owner reads in an Event.
type mistake struct {
	fill   map[string]string
	reason v1alpha1.Reason
	tells  string // a part of the Event's text
}

var mistakes = map[string]mistake{
	"no-service": {map[string]string{"SERVICE": "nowhere"}, v1alpha1.ReasonBackendNotFound, "nowhere"},
	"no-port":    {map[string]string{"PORT": "number: 4711"}, v1alpha1.ReasonPortNotFound, "4711"},
	"bad-secret": {map[string]string{"SECRET": "broken"}, v1alpha1.ReasonInvalidCertificateRef, "broken"},
	"bad-value": {
		map[string]string{"ANNOTATION": `fairlead.dev/idle-timeout: soon`},
		v1alpha1.ReasonInvalidAnnotation, "soon",
	},
	"typing-error": {
		map[string]string{"ANNOTATION": `fairlead.dev/idle-timeuot: 1h`},
		v1alpha1.ReasonUnknownAnnotation, "idle-timeout",
	},
	"bad-regex": {
		map[string]string{"ANNOTATION": `fairlead.dev/use-regex: "true"`, "PATH": "/(unclosed"},
		v1alpha1.ReasonInvalid, "(unclosed",
	},
	"twice": {map[string]string{"HOST": "web.%[1]s.test", "PATH": "/"}, v1alpha1.ReasonConflicted, "web"},
}

// TestAMistakeCostsOnlyItself: every kind of mistake at once, and its owner is told. Sockets of others stay, new ones
// are taken, and the rest of the wrong objects is served.
func TestAMistakeCostsOnlyItself(t *testing.T) {
	ns := namespace(t)
	apply(t, chatManifests, ns)
	writeCertificate(t, ns, 1)
	apply(t, ingressManifest, ns)
	f := startFairlead(t)
	f.published(t, ingressRoute(ns), func(r *route) error { return wanted(r.ready(), 4) })
	var all fleet
	for range 20 {
		all = append(all, open(t, "ws://"+webHost(ns)+"/socket", f.http))
	}
	time.Sleep(time.Second) // creation times are whole seconds, and the older object wins
	apply(t, brokenSecret, ns)
	apply(t, orphanRoute, ns)
	for name, wrong := range mistakes {
		apply(t, wrong.manifest(name), ns)
	}
	for name, wrong := range mistakes {
		eventually(t, 20*time.Second, "the owner of "+name+" is told", func() error {
			return told(t, ns, name, wrong)
		})
		host := name + "." + ns + ".test"
		if wrong.fill["HOST"] != "" {
			host = fmt.Sprintf(wrong.fill["HOST"], ns)
		}
		all = append(all, open(t, "ws://"+host+"/fine/socket", f.http))
	}
	checkOrphan(t, ns)
	all = append(all, open(t, "ws://orphan."+ns+".test/socket", f.http), open(t, "ws://"+webHost(ns)+"/socket", f.http))
	for _, s := range all {
		if err := s.settle(10 * time.Second); err != nil {
			t.Error(err)
		}
	}
}

func (m mistake) manifest(name string) string {
	fill := map[string]string{
		"HOST": name + ".%[1]s.test", "ANNOTATION": `nginx.ingress.kubernetes.io/ssl-redirect: "false"`, "PATH": "/wrong",
		"SERVICE": "chat", "PORT": "name: ws", "SECRET": "web",
	}
	for key, value := range m.fill {
		if key == "ANNOTATION" {
			value = fill[key] + ", " + value
		}
		fill[key] = value
	}
	text := strings.ReplaceAll(wrongIngress, "NAME", name)
	for key, value := range fill {
		text = strings.ReplaceAll(text, key, value)
	}
	return text
}

// told looks for the Event that tells of the mistake.
func told(t *testing.T, ns, name string, wrong mistake) error {
	var events eventsv1.EventList
	must(t, plane.Client.List(t.Context(), &events, client.InNamespace(ns)))
	var seen []string
	for i := range events.Items {
		event := &events.Items[i]
		if event.Regarding.Kind != "Ingress" || event.Regarding.Name != name {
			continue
		}
		if event.Reason == string(wrong.reason) && strings.Contains(event.Note, wrong.tells) {
			return nil
		}
		seen = append(seen, event.Reason+": "+event.Note)
	}
	return fmt.Errorf("%w: no Event %s with %q; there are: %q", errNotYet, wrong.reason, wrong.tells, seen)
}

// checkOrphan waits for the conditions of a WebSocketRoute with one rule to nowhere and one that is fine.
func checkOrphan(t *testing.T, ns string) {
	t.Helper()
	eventually(t, 20*time.Second, "the orphan's conditions", func() error {
		orphan := webSocketRoute(ns, "orphan")
		must(t, plane.Client.Get(t.Context(), client.ObjectKeyFromObject(orphan), orphan))
		var got []string
		for _, kind := range []v1alpha1.ConditionType{v1alpha1.ConditionAccepted, v1alpha1.ConditionResolvedRefs, v1alpha1.ConditionProgrammed} {
			condition := meta.FindStatusCondition(orphan.Status.Conditions, string(kind))
			if condition == nil || condition.ObservedGeneration != orphan.Generation {
				return errNotYet
			}
			got = append(got, fmt.Sprintf("%s=%s/%s", kind, condition.Status, condition.Reason))
		}
		return wanted(strings.Join(got, " "),
			"Accepted=True/Accepted ResolvedRefs=False/BackendNotFound Programmed=True/Programmed")
	})
}
