package feature

import (
	"strings"
	"testing"
)

func TestNewPodsGetSocketsAndTerminatingOnesKeepTheirs(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress("fairlead.dev/drain-deadline: 0s"), w.service("chat", "a"))
	old := w.open(echo)
	w.apply("chat", ingress("fairlead.dev/drain-deadline: 0s"), w.service("chat", "!a", "b"))
	for range 4 {
		if pod := w.open(echo).pod(); pod != "b" {
			t.Errorf("a new socket went to %s", pod)
		}
	}
	old.echoes()
}

func TestTerminatingPodsServeWhenNobodyElseDoes(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress(), w.service("chat", "!a", "-b"))
	if pod := w.open(echo).pod(); pod != "a" {
		t.Errorf("went to %s", pod)
	}
}

func TestSocketsOfATerminatingPodAreToldToComeBack(t *testing.T) {
	w := newWorld(t)
	drain := ingress("fairlead.dev/drain-deadline: 500ms", "fairlead.dev/drain-spread: 200ms", "fairlead.dev/drain-close-code: '1013'")
	w.apply("chat", drain, w.service("chat", "a", "b"))
	first, second := w.open(echo), w.open(echo)
	if first.pod() == "b" {
		first, second = second, first
	}
	w.apply("chat", drain, w.service("chat", "!a", "b"))
	if code := first.code(); code != 1013 {
		t.Errorf("closed with %d", code)
	}
	second.echoes()
}

func TestAPodThatDiesIsToldAs1011(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress(), w.service("chat", "a", "b"))
	s := w.open(echo)
	w.pod(s.pod()).Kill()
	if code := s.code(); code != 1011 {
		t.Errorf("the client sees %d", code)
	}
	w.open(echo).echoes() // the other pod is tried when the first does not connect
	w.open(echo).echoes()
}

func TestAPodThatClosesIsPassedOn(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", ingress(), w.service("chat", "a"))
	s := w.open(echo)
	go func() { _ = w.pod("a").Shutdown(t.Context()) }()
	if code := s.code(); code != 1001 {
		t.Errorf("the client sees %d", code)
	}
}

func TestAWebSocketRouteSharesSocketsByWeight(t *testing.T) {
	w := newWorld(t)
	w.apply("chat", w.service("chat", "a"), w.service("chat-next", "next"), `
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: chat}
spec:
  ingressClassName: fairlead
  hosts: [chat.example.com]
  rules:
  - matches: [{path: {type: Prefix, value: /v1}}]
    rewrite: {path: /}
    backends: [{name: chat, port: 80, weight: 9}, {name: chat-next, port: ws, weight: 1}]
`)
	got := map[string]int{}
	for range 40 {
		got[w.open("chat.example.com/v1/socket?mode=echo").pod()]++
	}
	if got["next"] < 3 || got["next"] > 5 {
		t.Errorf("sockets: %v", got)
	}
	if answer, body := w.fetch("chat.example.com/v1/page"); answer.StatusCode != 426 || !strings.HasPrefix(body, "NotWebSocket: ") {
		t.Errorf("a plain request: %d %s", answer.StatusCode, body)
	}
}
