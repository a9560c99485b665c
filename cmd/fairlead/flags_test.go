package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// set reads a command line of a server with an environment.
func set(environment map[string]string, args ...string) (*serverFlags, error) {
	var f serverFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.add(flags, serverDefaults{admin: ":9090", delay: 5 * time.Second, redirectPort: 443, logFormat: "json"})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	if err := fromEnvironment(flags, lookup); err != nil {
		return nil, err
	}
	return &f, f.complete()
}

func TestFlagsAndEnvironmentAreEqualAndTheFlagWins(t *testing.T) {
	environment := map[string]string{
		"FAIRLEAD_HTTP_ADDRESS": ":1", "FAIRLEAD_HTTPS_ADDRESS": "", "FAIRLEAD_DRAIN_DELAY": "7s",
		"FAIRLEAD_TRUSTED_PROXIES": "10.1.2.3/8, 192.0.2.1", "FAIRLEAD_SERVICE_HOST": "of another",
	}
	f, err := set(environment, "--http-address", ":2")
	if err != nil {
		t.Fatal(err)
	}
	o := f.options
	if o.HTTPAddress != ":2" || o.HTTPSAddress != "" || o.Drain.Delay != 7*time.Second || o.AdminAddress != ":9090" {
		t.Errorf("options %+v", o)
	}
	if got := f.trusted.String(); got != "10.0.0.0/8,192.0.2.1/32" {
		t.Errorf("trusted proxies %s", got)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		environment map[string]string
		args        []string
		want        string
	}{
		"variable":         {map[string]string{"FAIRLEAD_DRAIN_DELAY": "soon"}, nil, "environment variable FAIRLEAD_DRAIN_DELAY"},
		"flag":             {nil, []string{"--trusted-proxies=proxy.local"}, "neither an address range"},
		"log level":        {map[string]string{"FAIRLEAD_LOG_LEVEL": "loud"}, nil, "FAIRLEAD_LOG_LEVEL"},
		"negative":         {nil, []string{"--drain-spread=-1s"}, "--drain-spread"},
		"no time to close": {nil, []string{"--drain-spread=30s", "--drain-timeout=10s"}, "--drain-timeout 10s"},
		"nothing":          {nil, []string{"--http-address=", "--https-address="}, "nothing to serve"},
		"redirect port":    {nil, []string{"--redirect-port=70000"}, "--redirect-port 70000"},
		"tls version":      {nil, []string{"--tls-min-version=1.0"}, "neither 1.2 nor 1.3"},
		"proxy protocol":   {nil, []string{"--proxy-protocol=everybody"}, "neither an address range"},
		"no port to find":  {nil, []string{"--redirect-port=0", "--https-address=:https"}, "--redirect-port"},
	} {
		if _, err := set(c.environment, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v does not say %q", name, err, c.want)
		}
	}
}

// What is given twice adds up: a list can be long, and the environment has one variable for it.
func TestListsOfAddressesAddUp(t *testing.T) {
	var ranges prefixes
	var published addresses
	for _, c := range []struct {
		flag  pflag.Value
		value string
		ok    bool
	}{
		{&ranges, "10.0.0.0/8", true}, {&ranges, " fd00::1 ,", true}, {&ranges, "here", false},
		{&published, "192.0.2.1, fd00::1", true}, {&published, "lb.example.com", true},
		{&published, "http://lb.example.com", false}, {&published, "LB.example.com", false},
		{&published, "192.0.2.1:80", false}, {&published, "fe80::1%eth0", false},
		{&published, strings.Repeat("192.0.2.1,", 14), false},
	} {
		if err := c.flag.Set(c.value); (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.flag.Type(), c.value, err)
		}
	}
	if got := ranges.String(); got != "10.0.0.0/8,fd00::1/128" {
		t.Errorf("ranges %s", got)
	}
	if got := published.String(); got != "192.0.2.1,fd00::1,lb.example.com" {
		t.Errorf("addresses %s", got)
	}
}

func TestObjectNamesHaveTwoParts(t *testing.T) {
	for value, ok := range map[string]bool{"prod/tls": true, "": true, "tls": false, "a/b/c": false, "/tls": false, "prod/": false} {
		var n objectName
		if err := n.Set(value); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		} else if ok && n.String() != value {
			t.Errorf("%q became %q", value, n.String())
		}
	}
}

func TestRedirectsGoToTheListenersPortWhenAsked(t *testing.T) {
	f, err := set(nil, "--redirect-port=0", "--https-address=127.0.0.1:8443")
	if err != nil || f.options.RedirectPort != 8443 {
		t.Errorf("port %d, %v", f.options.RedirectPort, err)
	}
}

// Users of ingress-nginx bring its flags along.
func TestFlagsOfIngressNginxAreUnderstood(t *testing.T) {
	var in clusterFlags
	var how translateFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	in.add(flags)
	how.add(flags)
	err := flags.Parse([]string{
		"--default-ssl-certificate=prod/tls", "--watch-namespace=prod", "--publish-service=ingress/lb", "--publish-status-address=192.0.2.1",
		"--default-backend-service=prod/web", "--ingress-class=nginx", "--watch-ingress-without-class", "--update-status=false",
		"--election-id=nginx-leader", "--controller-class=k8s.io/ingress-nginx", "--report-node-internal-ip-address", "--update-status-on-shutdown=false",
	})
	if err != nil {
		t.Fatal(err)
	}
	options, err := how.complete()
	if err != nil {
		t.Fatal(err)
	}
	if options.DefaultCertificate.String() != "prod/tls" || options.DefaultBackend.String() != "prod/web" || options.ClassName != "nginx" ||
		!options.WithoutClass || options.ControllerName != "k8s.io/ingress-nginx" {
		t.Errorf("objects are read with %+v", options)
	}
	o := in.complete()
	if o.Watch.Namespaces[0] != "prod" || o.PublishService.String() != "ingress/lb" || !o.NoStatusUpdate || !o.KeepStatus || !o.InternalAddresses || o.Lease.Name != "nginx-leader" {
		t.Errorf("the cluster is watched with %+v", o)
	}
	if strings.Contains(flags.FlagUsages(), "ssl-certificate") {
		t.Error("the usage shows names that are there for old command lines only")
	}
}

func TestSelectorsAndNamespacesAreChecked(t *testing.T) {
	var byLabel selector
	var in namespaces
	for _, c := range []struct {
		flag  pflag.Value
		value string
		ok    bool
	}{
		{&byLabel, "team in (web, api),!legacy", true}, {&byLabel, "team==", true}, {&byLabel, "team in web", false}, {&byLabel, " ", true},
		{&in, "prod, staging", true}, {&in, "prod", true}, {&in, "Prod", false}, {&in, "", true},
	} {
		if err := c.flag.Set(c.value); (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.flag.Type(), c.value, err)
		}
	}
	if byLabel.Selector != nil || in.String() != "prod,staging" {
		t.Errorf("selector %q, namespaces %s", byLabel.String(), in.String())
	}
}

// A variable that looks like ours, and is none, is a typing error; one that Kubernetes makes for a Service,
// or that belongs to another command, is not.
func TestStrangeVariablesAreTold(t *testing.T) {
	told := strangers(newRoot("fairlead", func(string) (string, bool) { return "", false }), []string{
		"FAIRLEAD_HTP_ADDRESS=:1", "FAIRLEAD_HTTP_ADDRESS=:1", "FAIRLEAD_MANIFESTS=/etc", "FAIRLEAD_WHATEVER_THIS_MAY_BE=1", "HOME=/",
		"FAIRLEAD_SERVICE_HOST=10.0.0.1", "FAIRLEAD_SERVICE_PORT=80", "FAIRLEAD_SERVICE_PORT_HTTP=80", "FAIRLEAD_PORT=tcp://10.0.0.1:80",
		"FAIRLEAD_PORT_80_TCP=tcp://10.0.0.1:80", "FAIRLEAD_PORT_80_TCP_ADDR=10.0.0.1", "FAIRLEAD_ADMIN_PORT_9090_TCP_PROTO=tcp",
	})
	want := []string{
		"environment variable FAIRLEAD_HTP_ADDRESS stands for no flag and has no effect; did you mean FAIRLEAD_HTTP_ADDRESS?",
		"environment variable FAIRLEAD_WHATEVER_THIS_MAY_BE stands for no flag and has no effect",
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told %q", told)
	}
}
