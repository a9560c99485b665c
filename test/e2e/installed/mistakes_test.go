package installed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// TestMistakesAreToldAndCostNothingElse: whoever writes a wrong object reads in its Events what is wrong; all others are served as before.
func TestMistakesAreToldAndCostNothingElse(t *testing.T) {
	r := installed(t)
	ns := namespace(t, "mistakes")
	chat(t, ns)
	apply(t, ns, "ingress.yaml")
	f := users(t, fleet.Options{URL: "ws://" + host(ns) + "/socket", Address: r.http(t), Clients: 10})
	began := time.Now()
	apply(t, ns, "mistakes.yaml")
	for object, says := range map[string]string{
		"ingress/annotation": "InvalidAnnotation",
		"ingress/service":    "BackendNotFound",
		"ingress/secret":     "InvalidCertificateRef",
		"wsr/broken":         "BackendNotFound",
	} {
		eventually(t, 20*time.Second, "kubectl describe "+object+" says "+says, func() error {
			text := kubectl(t, "describe", object, "--namespace", ns)
			_, events, _ := strings.Cut(text, "Events:")
			if !strings.Contains(events, says) {
				return errNotYet
			}
			return nil
		})
	}
	if got := field(t, ns, "wsr/broken", `{.status.conditions[?(@.type=="ResolvedRefs")].reason}`); got != "BackendNotFound" {
		t.Errorf("the condition ResolvedRefs of the WebSocketRoute has the reason %q", got)
	}
	// What is wrong in one annotation is that annotation's matter alone.
	users(t, fleet.Options{URL: "ws://annotation." + host(ns) + "/socket", Address: r.http(t), Clients: 2})
	must(t, f.Rejoin(within(t, 20*time.Second)))
	report := settled(t, f, "others make mistakes", began)
	noneRefused(t, report, began)
	onlyEnds(t, report, began, func(fleet.End) bool { return false })
}
