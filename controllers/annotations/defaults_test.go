package annotations

import (
	"crypto/tls"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// Weakest is what is built in; then come flags, the class, ingress-nginx's prefix and ours.
func TestTheNearerWordCounts(t *testing.T) {
	idle := func(d Defaults, set map[string]string) model.Timeout {
		got, _ := Parse(set, d)
		return got.Timeouts.Idle
	}
	class := map[string]string{"proxy-read-timeout": "120"}
	fromClass, problems := NginxDefaults().With(class)
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	theirs := map[string]string{nginx + "proxy-read-timeout": "180"}
	both := map[string]string{nginx + "proxy-read-timeout": "180", our + "idle-timeout": "4m"}
	for _, c := range []struct {
		name string
		got  model.Timeout
		want time.Duration
	}{
		{"built in", idle(Defaults{}, nil), 0},
		{"strict", idle(NginxDefaults(), nil), time.Minute},
		{"class", idle(fromClass, nil), 2 * time.Minute},
		{"ingress-nginx", idle(fromClass, theirs), 3 * time.Minute},
		{"ours", idle(fromClass, both), 4 * time.Minute},
	} {
		if c.got != model.Timeout(c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestNginxDefaultsAreThoseOfIngressNginx(t *testing.T) {
	got, _ := Parse(nil, NginxDefaults())
	minute := model.Timeout(time.Minute)
	want := Settings{
		Timeouts: model.Timeouts{Handshake: minute, Idle: minute, Stall: minute}, MaxBody: 1 << 20,
		BackendTLS: model.BackendTLS{Depth: 1, NoSNI: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if off, _ := Parse(map[string]string{nginx + "proxy-body-size": "0"}, NginxDefaults()); off.MaxBody != 0 {
		t.Errorf("proxy-body-size: 0 left a bound of %d", off.MaxBody)
	}
}

// The ConfigMap of ingress-nginx can be named as it is.
func TestTheConfigMapOfIngressNginxIsUnderstood(t *testing.T) {
	d, problems := ParseDefaults(map[string]string{
		"proxy-connect-timeout": "7", "load-balance": "least_conn", "whitelist-source-range": "10.0.0.0/8", "ssl-redirect": "false",
		"ssl-protocols": "TLSv1.3", "disable-access-log": "true", "global-auth-url": "http://auth/", "proxy-body-size": "8m", "affinity-mode": "persistent",
		// What is the case anyway, and what looks after itself.
		"limit-conn-status-code": "503", "http-redirect-code": "308", "hsts": "false", "use-forwarded-headers": "False", "keep-alive": "75", "proxy-buffer-size": "8k",
	})
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	got, problems := Parse(map[string]string{nginx + "whitelist-source-range": "192.0.2.0/24", nginx + "enable-global-auth": "false"}, d)
	if len(problems) > 0 {
		t.Errorf("problems of an Ingress: %v", problems)
	}
	switch {
	case got.Timeouts.Connect != model.Timeout(7*time.Second), got.Balance.Algorithm != model.LeastSessions, got.Redirect != RedirectNever,
		got.MinTLS != tls.VersionTLS13, !got.NoLog, got.MaxBody != 8<<20:
		t.Errorf("defaults are lost: %+v", got)
	case len(got.Access.Allow) != 1 || got.Access.Allow[0].String() != "192.0.2.0/24":
		t.Errorf("the list of the Ingress does not replace that of the class: %v", got.Access.Allow)
	case got.Access.External != nil:
		t.Errorf("the Ingress asked for no global authentication: %+v", got.Access.External)
	case got.Balance.Sticky != nil:
		t.Errorf("a detail of a cookie made one: %+v", got.Balance.Sticky)
	}
	plain, _ := Parse(nil, d)
	if plain.Access.External == nil || plain.Access.External.URL != "http://auth/" || plain.Access.Allow[0].String() != "10.0.0.0/8" {
		t.Errorf("an Ingress that says nothing has %+v", plain.Access)
	}
}

func TestWhatIsNoParameterIsTold(t *testing.T) {
	for key, story := range map[string]struct {
		value  string
		reason v1alpha1.Reason
		told   string
	}{
		"idle-timeout":            {"soon", v1alpha1.ReasonInvalid, "the parameter is ignored"},
		"idle-timeot":             {"1h", v1alpha1.ReasonUnsupportedValue, "did you mean idle-timeout?"},
		"worker-shutdown-timeout": {"240s", v1alpha1.ReasonUnsupportedValue, "--drain-timeout"},
		"use-forwarded-headers":   {"true", v1alpha1.ReasonUnsupportedValue, "--trusted-proxies"},
		"proxy-real-ip-cidr":      {"0.0.0.0/0", v1alpha1.ReasonUnsupportedValue, "--trusted-proxies"},
		"limit-req-status-code":   {"429", v1alpha1.ReasonUnsupportedValue, "always answered 503"},
		"hsts":                    {"true", v1alpha1.ReasonUnsupportedValue, "Strict-Transport-Security"},
		"canary-weight":           {"10", v1alpha1.ReasonUnsupportedValue, "all objects of the class"},
		"http-snippet":            {"map $a $b {}", v1alpha1.ReasonUnsupportedValue, "not served"},
		"enable-modsecurity":      {"true", v1alpha1.ReasonUnsupportedValue, "firewall"},
		"ssl-protocols":           {"TLSv1 TLSv1.2", v1alpha1.ReasonUnsupportedValue, "RFC 8996"},
		"allowlist-source-range":  {"oops", v1alpha1.ReasonInvalid, "answered with 503"},
	} {
		_, problems := ParseDefaults(map[string]string{key: story.value})
		if len(problems) != 1 || problems[0].Key != key || problems[0].Reason != story.reason || !strings.Contains(problems[0].Message, story.told) {
			t.Errorf("%s: problems %v\nwant one %s that says %q", key, problems, story.reason, story.told)
		}
	}
}

// A guard of the class that can't be read closes what has none of its own.
func TestAGuardOfTheClassStaysClosedToo(t *testing.T) {
	d, _ := ParseDefaults(map[string]string{"allowlist-source-range": "oops"})
	if got, _ := Parse(nil, d); got.Access.Sealed == "" {
		t.Error("an Ingress without a list is open")
	}
	if got, _ := Parse(map[string]string{our + "allow-cidrs": "10.0.0.0/8"}, d); got.Access.Sealed != "" {
		t.Errorf("an Ingress with a list of its own is closed: %s", got.Access.Sealed)
	}
}

// Ingresses that share defaults don't change them for each other.
func TestDefaultsStayWhatTheyAre(t *testing.T) {
	d, _ := ParseDefaults(map[string]string{"auth-url": "http://auth/", "auth-cache-key": "$host", "response-headers-set": "X-A: b", "enable-cors": "true", "limit-rps": "oops"})
	before, _ := Parse(nil, d)
	for _, r := range served() {
		Parse(map[string]string{r.Key(): r.Example}, d)
	}
	if after, _ := Parse(nil, d); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
}

// Every row can be a parameter, or says that it can't.
func TestEveryRowCanBeAParameter(t *testing.T) {
	for _, r := range served() {
		_, problems := ParseDefaults(map[string]string{r.Name: r.Example})
		if (len(problems) > 0) != r.PerObject && r.Name != "balance" {
			t.Errorf("%s: problems %v, and it is for objects alone: %v", r.Name, problems, r.PerObject)
		}
	}
}

func FuzzParseDefaults(f *testing.F) {
	for _, r := range Rows() {
		f.Add(r.Name, r.Example)
	}
	f.Add("ssl-protocols", "TLSv1")
	f.Add("use-forwarded-headers", "true")
	f.Fuzz(func(t *testing.T, key, value string) {
		d, problems := ParseDefaults(map[string]string{key: value})
		for _, p := range problems {
			if p.Key != key || p.Message == "" || p.Reason == "" {
				t.Fatalf("%s: %q: problem %+v", key, value, p)
			}
		}
		one, _ := Parse(nil, d)
		again, _ := Parse(nil, d)
		if !reflect.DeepEqual(one, again) {
			t.Fatalf("%s: %q: %+v, then %+v", key, value, one, again)
		}
	})
}
