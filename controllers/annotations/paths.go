package annotations

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var nginxPathRows = []Row{
	{
		Name: "use-regex", Type: typeBool, Default: "false", Example: "true",
		Doc:     "Makes every path of the host a case-insensitive regular expression, matched from the beginning; the longest expression counts.",
		Differs: "The syntax is RE2: no look-around, no back-references.",
		sets:    []string{"UseRegex"}, parse: boolean(func(d *draft, b bool) { d.UseRegex = b }),
	}, {
		Name: "rewrite-target", Type: "path with $1 to $9", Default: "the path stays", Example: "/$2", PerObject: true,
		Doc:     "New path of a request; $1 to $9 stand for groups of the path's expression. Implies use-regex for the host. The query stays.",
		Differs: "A URL, which would be a redirect there, is refused.",
		sets:    []string{"RewriteTarget"}, parse: rewriteTarget,
	}, {
		Name: "x-forwarded-prefix", Type: "text", Default: "none", Example: "/chat", needs: needRewrite, PerObject: true,
		Doc:  "Sent to endpoints as X-Forwarded-Prefix where a path is rewritten.",
		sets: []string{"ForwardedPrefix"}, parse: text(maxTemplate, func(d *draft, s string) { d.ForwardedPrefix = s }),
	}, {
		Name: "upstream-vhost", Type: "host", Default: "the client's Host", Example: "chat.internal",
		Doc:  "New Host header of a request; as fairlead.dev/rewrite-host.",
		sets: []string{"RewriteHost"}, parse: rewriteHost,
	}, {
		Name: "server-alias", Type: "list of hosts", Default: "none", Example: "www.example.com, chat.example.org", PerObject: true,
		Doc:     "More hosts for the same paths. They lose to every host of a rule.",
		Differs: "Regular expressions (~…) are refused.",
		sets:    []string{"ServerAlias"}, parse: serverAlias,
	}, {
		Name: "service-upstream", Type: typeBool, Default: "false", Example: "true",
		Doc:  "Sends requests to the address of the Service instead of its endpoints: Kubernetes balances then, and no cookie, no hash and no session count can. Together with affinity it is told.",
		sets: []string{"ServiceUpstream"}, parse: boolean(func(d *draft, b bool) { d.ServiceUpstream = b }),
	}, {
		Name: "default-backend", Type: "name of a Service", Default: "none", Example: "sorry", PerObject: true,
		Doc:  "A Service of the same namespace whose first port answers while no backend has an endpoint, and for custom-http-errors.",
		sets: []string{"DefaultBackend"}, parse: serviceName,
	}, {
		Name: "custom-http-errors", Type: "list of statuses from 400 to 599", Default: "none", Example: "404, 503",
		Doc:     "Answers of the endpoints instead of which the default backend is asked, with the status in X-Code.",
		Differs: "What Fairlead itself refuses, or answers because no endpoint does, keeps its own text.",
		WhenSet: true,
		sets:    []string{"CustomErrors"}, parse: customErrors,
	},
}

var ourPathRows = []Row{
	{
		Name: "use-regex", Type: typeBool, Default: "false", Example: "true",
		Doc:  "Makes every path of the host a case-insensitive regular expression (RE2), matched from the beginning; the longest expression counts.",
		sets: []string{"UseRegex"}, parse: boolean(func(d *draft, b bool) { d.UseRegex = b }),
	}, {
		Name: "rewrite-target", Type: "path with $1 to $9", Default: "the path stays", Example: "/$2", PerObject: true,
		Doc:  "New path of a request; $1 to $9 stand for groups of the path's expression. Implies use-regex for the host. The query stays.",
		sets: []string{"RewriteTarget"}, parse: rewriteTarget,
	}, {
		Name: "rewrite-host", Type: "host", Default: "the client's Host", Example: "chat.internal",
		Doc:  "New Host header of a request; X-Forwarded-Host tells the client's.",
		sets: []string{"RewriteHost"}, parse: rewriteHost,
	},
}

// rewriteTarget reads a new path with references to groups.
func rewriteTarget(value string, d *draft) error {
	switch {
	case strings.Contains(value, "://"):
		return fmt.Errorf("%q is a URL, and a redirect is %w here: write temporal-redirect, or a path such as /$1", value, errUnsupported)
	case !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "$"):
		return fmt.Errorf("%q is not a path: it must start with / or with a group such as $1", value)
	case strings.ContainsFunc(value, isControl):
		return errors.New("the path has a space or control character: percent-encode it")
	}
	d.RewriteTarget = value
	return nil
}

func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

var hostHeader = regexp.MustCompile(`^[0-9A-Za-z]([-._0-9A-Za-z]*[0-9A-Za-z])?(:[0-9]{1,5})?$`)

func rewriteHost(value string, d *draft) error {
	if len(value) > 253 || !hostHeader.MatchString(value) {
		return fmt.Errorf("%q is not a host: write a name such as chat.internal, with a port if need be", value)
	}
	d.RewriteHost = value
	return nil
}

// maxAliases bounds the hosts that one annotation can add.
const maxAliases = 64

func serverAlias(value string, d *draft) error {
	hosts, err := list(strings.ToLower(value))
	if err != nil {
		return err
	}
	for _, host := range hosts {
		switch name := strings.TrimPrefix(host, "*."); {
		case strings.HasPrefix(host, "~"):
			return fmt.Errorf("%q, a regular expression, is %w: write the hosts out", host, errUnsupported)
		case len(host) > 253 || !isObjectName(name):
			return fmt.Errorf("%q is not a host such as www.example.com or *.example.com", host)
		}
	}
	slices.Sort(hosts)
	if hosts = slices.Compact(hosts); len(hosts) > maxAliases {
		return fmt.Errorf("%d hosts are too many: write at most %d", len(hosts), maxAliases)
	}
	d.ServerAlias = hosts
	return nil
}

func serviceName(value string, d *draft) error {
	if !isObjectName(value) {
		return fmt.Errorf("%q is not the name of a Service of the same namespace", value)
	}
	d.DefaultBackend = value
	return nil
}

func customErrors(value string, d *draft) error {
	words, err := list(value)
	if err != nil {
		return err
	}
	statuses := make([]int, len(words))
	for i, word := range words {
		statuses[i], err = strconv.Atoi(word)
		if err != nil || statuses[i] < 400 || statuses[i] > 599 {
			return fmt.Errorf("%q is not a status from 400 to 599", word)
		}
	}
	slices.Sort(statuses)
	d.CustomErrors = slices.Compact(statuses)
	return nil
}

// unstuck tells of a cookie that binds to an endpoint where there is but the Service.
func (p *parsing) unstuck() {
	if w, found := p.wrote(NginxPrefix + "service-upstream"); found && p.d.ServiceUpstream && p.d.StickyOn {
		p.note(reasonDiffers, w.key, "requests go to the address of the Service, so a sticky cookie binds nobody to an endpoint, as in ingress-nginx: remove one of both")
	}
}
