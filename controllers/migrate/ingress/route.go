package ingress

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

var sameSites = map[v1alpha1.SameSite]http.SameSite{
	v1alpha1.SameSiteLax: http.SameSiteLaxMode, v1alpha1.SameSiteStrict: http.SameSiteStrictMode, v1alpha1.SameSiteNone: http.SameSiteNoneMode,
}

// Routes writes the WebSocketRoutes of class that say what an Ingress says, one for all hosts with the same
// paths, and tells what they can't say. For that the Ingress must stay.
func Routes(i *networkingv1.Ingress, class string) (routes []*v1alpha1.WebSocketRoute, lost []string) {
	settings, _ := annotations.Parse(i.Annotations, annotations.Defaults{})
	w := &writer{namespace: i.Namespace}
	policy := w.policy(&settings)
	if settings.Canary != nil {
		w.lose("the canary (give the main route two backends with weights)")
		return nil, w.lost
	}
	w.whole(&settings)
	for n, group := range byPaths(i) {
		r := &v1alpha1.WebSocketRoute{
			TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "WebSocketRoute"},
			ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: i.Name},
			Spec: v1alpha1.WebSocketRouteSpec{
				IngressClassName: &class, Hosts: group.hosts, TLS: certificates(i, group.hosts), Policy: policy,
				Rules: w.rules(group.paths, &settings),
			},
		}
		if n > 0 {
			r.Name = fmt.Sprintf("%s-%d", i.Name, n+1)
		}
		if len(r.Spec.Rules) > 0 {
			routes = append(routes, r)
		}
	}
	return routes, slices.Compact(w.lost)
}

// whole tells of annotations that are about more than sessions.
func (w *writer) whole(s *annotations.Settings) {
	for what, set := range map[string]bool{
		"CORS answers (the application, or this Ingress, must give them)":                   s.CORS != nil,
		"redirects (permanent-redirect, temporal-redirect, app-root, from-to-www-redirect)": s.RedirectTo != nil || s.AppRoot != "" || s.FromToWWW,
		"server-alias (add the names to hosts)":                                             len(s.ServerAlias) > 0,
		"default-backend and custom-http-errors":                                            s.DefaultBackend != "" || len(s.CustomErrors) > 0,
		"proxy-body-size":                                                                   s.MaxBody > 0,
		"service-upstream (endpoints get the sessions)":                                     s.ServiceUpstream,
		"custom-headers (write them into policy.headers.response)":                          s.CustomHeaders != nil,
		"x-forwarded-prefix (write it into policy.headers.request)":                         s.ForwardedPrefix != "",
		"enable-access-log":                                                                 s.NoLog,
		"ssl-redirect: false (plain requests for hosts with TLS go to https)":               s.Redirect == annotations.RedirectNever,
		"force-ssl-redirect (hosts without TLS in the route are served in clear)":           s.Redirect == annotations.RedirectAlways,
	} {
		if set {
			w.lose("%s", what)
		}
	}
	slices.Sort(w.lost)
}

// group is hosts with the same paths.
type group struct {
	hosts []v1alpha1.Hostname
	paths []networkingv1.HTTPIngressPath
}

func byPaths(i *networkingv1.Ingress) []group {
	var groups []group
	add := func(host string, paths []networkingv1.HTTPIngressPath) {
		key := fmt.Sprint(pathsText(paths))
		n := slices.IndexFunc(groups, func(g group) bool { return fmt.Sprint(pathsText(g.paths)) == key && (len(g.hosts) > 0) == (host != "") })
		if n < 0 {
			n, groups = len(groups), append(groups, group{paths: paths})
		}
		if host != "" {
			groups[n].hosts = append(groups[n].hosts, v1alpha1.Hostname(strings.ToLower(host)))
		}
	}
	byHost, order := map[string][]networkingv1.HTTPIngressPath{}, []string{}
	for _, r := range i.Spec.Rules {
		if _, seen := byHost[r.Host]; !seen {
			order = append(order, r.Host)
		}
		if r.HTTP != nil {
			byHost[r.Host] = append(byHost[r.Host], r.HTTP.Paths...)
		} else {
			byHost[r.Host] = append(byHost[r.Host], fallback(i)...)
		}
	}
	if len(order) == 0 {
		add("", fallback(i))
	}
	for _, host := range order {
		add(host, byHost[host])
	}
	return groups
}

// fallback is the default backend as a path.
func fallback(i *networkingv1.Ingress) []networkingv1.HTTPIngressPath {
	if i.Spec.DefaultBackend == nil {
		return nil
	}
	return []networkingv1.HTTPIngressPath{{Path: "/", PathType: new(networkingv1.PathTypePrefix), Backend: *i.Spec.DefaultBackend}}
}

func pathsText(paths []networkingv1.HTTPIngressPath) []string {
	var list []string
	for _, p := range paths {
		list = append(list, p.String())
	}
	return list
}

func certificates(i *networkingv1.Ingress, hosts []v1alpha1.Hostname) []v1alpha1.TLS {
	var list []v1alpha1.TLS
	for _, t := range i.Spec.TLS {
		if t.SecretName == "" {
			continue
		}
		entry := v1alpha1.TLS{SecretName: t.SecretName}
		for _, host := range t.Hosts {
			if name := v1alpha1.Hostname(strings.ToLower(host)); slices.Contains(hosts, name) {
				entry.Hosts = append(entry.Hosts, name)
			}
		}
		if len(entry.Hosts) > 0 || len(t.Hosts) == 0 && len(hosts) > 0 {
			list = append(list, entry)
		}
	}
	return list
}

// rules writes one rule for each path.
func (w *writer) rules(paths []networkingv1.HTTPIngressPath, s *annotations.Settings) []v1alpha1.Rule {
	var rules []v1alpha1.Rule
	for i := range paths {
		p := &paths[i]
		if p.Backend.Service == nil {
			w.lose("path %s, whose backend is no Service", p.Path)
			continue
		}
		match := pathMatch(p, s)
		if err := (model.PathMatch{Type: model.RegularExpression, Value: match.Value}).Validate(); err != nil && match.Type == v1alpha1.PathRegularExpression {
			w.lose("path %s: %v", p.Path, err)
			continue
		}
		rule := v1alpha1.Rule{
			Matches:  []v1alpha1.Match{{Path: match}},
			Backends: []v1alpha1.Backend{{Name: p.Backend.Service.Name, Port: port(&p.Backend.Service.Port)}},
		}
		if s.RewriteTarget != "" || s.RewriteHost != "" {
			rule.Rewrite = &v1alpha1.Rewrite{Host: s.RewriteHost, Path: s.RewriteTarget}
			if strings.ContainsAny(s.RewriteTarget, "?#") || s.RewriteTarget != "" && !strings.HasPrefix(s.RewriteTarget, "/") {
				w.lose("rewrite-target: %s (a path without query, which starts with /)", s.RewriteTarget)
				rule.Rewrite.Path = ""
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

func pathMatch(p *networkingv1.HTTPIngressPath, s *annotations.Settings) *v1alpha1.PathMatch {
	value := p.Path
	if value == "" {
		value = "/"
	}
	switch {
	case s.UseRegex || s.RewriteTarget != "":
		return &v1alpha1.PathMatch{Type: v1alpha1.PathRegularExpression, Value: "(?i)" + value}
	case p.PathType != nil && *p.PathType == networkingv1.PathTypeExact:
		return &v1alpha1.PathMatch{Type: v1alpha1.PathExact, Value: value}
	}
	return &v1alpha1.PathMatch{Type: v1alpha1.PathPrefix, Value: value}
}

func port(p *networkingv1.ServiceBackendPort) intstr.IntOrString {
	if p.Name != "" {
		return intstr.FromString(p.Name)
	}
	return intstr.FromInt32(p.Number)
}
