package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy/table"
)

const examples = "../../examples"

// TestExamplesServeAtOnce goes the way of fairlead standalone --manifests examples/.
func TestExamplesServeAtOnce(t *testing.T) {
	files, err := snapshot.NewFiles(examples)
	if err != nil {
		t.Fatal(err)
	}
	read, problems := files.Read()
	for _, p := range problems {
		t.Error(p)
	}
	cfg, report := translate.Build(read, translate.Options{})
	for _, o := range report.Objects {
		for _, p := range o.Problems {
			t.Errorf("%s: %s: %s: %s", o.Object, p.Field, p.Reason, p.Message)
		}
	}
	compiled, err := table.Compile(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"chat.localhost/":        "ingress/default/chat",
		"talk.localhost/rooms/1": "wsr/default/talk/rooms",
		"talk.localhost/":        "wsr/default/talk/page",
		"rooms.localhost/socket": "wsr/default/rooms/rest",
		"guarded.localhost/":     "wsr/default/guarded/members",
	} {
		name, path, _ := strings.Cut(host, "/")
		hit, found := compiled.Match(&http.Request{Host: name, URL: &url.URL{Path: "/" + path}})
		if !found || !strings.HasPrefix(hit.Route.ID, want) {
			t.Errorf("%s: found %v, want %s", host, found, want)
		}
	}
	var addresses []string
	for _, b := range cfg.Backends {
		for _, e := range b.Endpoints {
			addresses = append(addresses, e.Address.String())
		}
	}
	slices.Sort(addresses)
	if got, want := strings.Join(slices.Compact(addresses), " "), "127.0.0.1:9001 127.0.0.1:9002 127.0.0.1:9003"; got != want {
		t.Errorf("endpoints %s, want %s", got, want)
	}
}

// TestExamplesAreForAClusterToo: but for the loopback addresses a real API server takes all of it.
func TestExamplesAreForAClusterToo(t *testing.T) {
	out, err := kubectl("apply", "-f", examples, "--dry-run=server", "--validate=strict")
	if err == nil {
		t.Error("a real API server took loopback addresses")
	}
	for line := range strings.Lines(out) {
		taken := strings.Contains(line, "(server dry run)")
		loopback := strings.Contains(line, "may not be in the loopback range")
		known := strings.Contains(line, "missing the kubectl.kubernetes.io/last-applied-configuration")
		if !taken && !loopback && !known {
			t.Errorf("kubectl apply -f examples: %s", line)
		}
	}
}
