package feature

import (
	"strings"
	"testing"
)

const echo = "chat.example.com/socket?mode=echo"

func TestAnIngressServesWebSocketsWithoutAnyAnnotation(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress(), w.service("chat", "a"))
	w.open(echo).echoes()
	if answer, body := w.fetch("chat.example.com/page"); answer.StatusCode != 200 || !strings.Contains(body, "<html") {
		t.Errorf("the page: %d", answer.StatusCode)
	}
	if answer, body := w.fetch("other.example.com/"); answer.StatusCode != 404 || !strings.HasPrefix(body, "NoRoute: ") {
		t.Errorf("another host: %d %s", answer.StatusCode, body)
	}
}

func TestAChangedAnnotationHoldsForTheNextSocket(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress(), w.service("chat", "a"))
	before := w.open(echo)
	w.apply("chat", ingress("fairlead.dev/idle-timeout: 300ms"), w.service("chat", "a"))
	after := w.open(echo)
	if code := after.code(); code != 1001 {
		t.Errorf("the silent new socket ended with %d", code)
	}
	before.echoes()
}

func TestIngressNginxAnnotationsMeanWhatTheyMeantThere(t *testing.T) {
	w := newWorld(t)
	service := w.service("chat", "a", "b", "c")
	w.apply("chat", service, ingress("nginx.ingress.kubernetes.io/proxy-read-timeout: '1'"))
	if code := w.open(echo).code(); code != 1001 {
		t.Errorf("after a second of silence the socket ended with %d", code)
	}

	w.apply("chat", service, ingress("nginx.ingress.kubernetes.io/upstream-hash-by: '$arg_room'"))
	room := w.open(echo + "&room=7").pod()
	for range 5 {
		if pod := w.open(echo + "&room=7").pod(); pod != room {
			t.Errorf("room 7 is on %s and on %s", room, pod)
		}
	}

	w.apply("chat", service, ingress("nginx.ingress.kubernetes.io/affinity: cookie", "nginx.ingress.kubernetes.io/session-cookie-name: route"))
	first := w.open(echo)
	cookies := first.answer.Cookies()
	if len(cookies) != 1 || cookies[0].Name != "route" {
		t.Fatalf("cookies on the 101: %v", cookies)
	}
	for range 5 {
		if pod := w.open(echo, "Cookie: route="+cookies[0].Value).pod(); pod != first.pod() {
			t.Errorf("came to %s instead of %s", pod, first.pod())
		}
	}
}

func TestAPathIsRewrittenByGroups(t *testing.T) {
	w := newWorld(t)
	rewritten := strings.ReplaceAll(ingress("nginx.ingress.kubernetes.io/rewrite-target: /$2"),
		"path: /, pathType: Prefix", `path: "/chat(/|$)(.*)", pathType: ImplementationSpecific`)
	w.apply("chat", rewritten, w.service("chat", "a"))
	w.open("chat.example.com/chat/socket?mode=echo").echoes()
	w.open("chat.example.com/CHAT/socket?mode=echo").echoes() // expressions ignore case there
	if answer, _ := w.fetch("chat.example.com/other"); answer.StatusCode != 404 {
		t.Errorf("another path: %d", answer.StatusCode)
	}
}

func TestABadAnnotationCostsOnlyItself(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", w.service("chat", "a"), ingress(
		"fairlead.dev/idle-timeout: soon", "fairlead.dev/idel-timeout: 1h",
		"nginx.ingress.kubernetes.io/configuration-snippet: 'proxy_set_header X-Foo bar;'",
		"nginx.ingress.kubernetes.io/enable-websockets: 'true'",
	))
	w.open(echo).echoes()
	w.toldThat("InvalidAnnotation", "Ingress default/chat", "idle-timeout", "soon")
	w.toldThat("UnknownAnnotation", "idel-timeout", "fairlead.dev/idle-timeout")
	w.toldThat("UnsupportedAnnotation", "configuration-snippet")
	w.toldThat("enable-websockets")
}

func TestOneBadObjectNeverStopsAnother(t *testing.T) {
	w := newWorld(t)
	other := func(name, host, service, port string) string {
		return strings.NewReplacer("name: chat\n", "name: "+name+"\n", "chat.example.com", host,
			"service: {name: chat, port: {name: ws}}", "service: {name: "+service+", port: {"+port+"}}").Replace(ingress())
	}
	w.apply("chat", w.service("chat", "a"), ingress(),
		other("no-service", "a.example.com", "nobody", "number: 80"),
		other("no-port", "b.example.com", "chat", "name: wss"),
		other("twice", "chat.example.com", "chat", "number: 80"),
		`
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: regex}
spec:
  ingressClassName: fairlead
  hosts: [c.example.com]
  rules:
  - matches: [{path: {type: RegularExpression, value: "/(?!x)"}}]
    backends: [{name: chat, port: ws}]
`, `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: expressions, annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}}
spec:
  ingressClassName: fairlead
  rules:
  - host: d.example.com
    http:
      paths:
      - {path: "/(?!x)", pathType: ImplementationSpecific, backend: {service: {name: chat, port: {name: ws}}}}
      - {path: "/go+d", pathType: ImplementationSpecific, backend: {service: {name: chat, port: {name: ws}}}}
`)
	w.open(echo).echoes()
	w.open("d.example.com/good/socket?mode=echo").echoes()
	for _, host := range []string{"a.example.com", "b.example.com"} {
		if answer, body := w.fetch(host + "/"); answer.StatusCode != 503 || !strings.HasPrefix(body, "NoEndpoint: ") {
			t.Errorf("%s: %d %s", host, answer.StatusCode, body)
		}
	}
	w.toldThat("BackendNotFound", "Ingress default/no-service", "nobody")
	w.toldThat("PortNotFound", "Ingress default/no-port", "wss")
	w.toldThat("Conflicted", "Ingress default/twice", "Ingress default/chat")
	w.toldThat("WebSocketRoute", "regex", "spec.rules[0].matches[0].path", "no look-around")
	w.toldThat("Ingress default/expressions", "paths[0].path", "no look-around")
}

func TestABrokenFileKeepsItsLastGoodState(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress(), w.service("chat", "a"))
	s := w.open(echo)
	w.write("chat", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: chat}\nspec: {rulez: []}")
	w.toldThat("chat.yaml", "rulez")
	s.echoes()
	w.open(echo).echoes()
}

func TestObjectsOfOtherControllersAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	theirs := strings.ReplaceAll(ingress("nginx.ingress.kubernetes.io/configuration-snippet: x"), "ingressClassName: fairlead", "ingressClassName: nginx")
	theirs = strings.ReplaceAll(theirs, "chat.example.com", "nginx.example.com")
	theirs = strings.ReplaceAll(theirs, "name: chat\n", "name: theirs\n")
	w.apply("chat", theirs, ingress(), w.service("chat", "a"))
	if answer, _ := w.fetch("nginx.example.com/"); answer.StatusCode != 404 {
		t.Errorf("served with %d", answer.StatusCode)
	}
	if w.told.has("theirs") {
		t.Error("somebody else's owner is told")
	}
}
