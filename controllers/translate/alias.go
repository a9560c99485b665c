package translate

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// aliasKey is the annotation with further hosts of an Ingress.
const aliasKey = annotations.NginxPrefix + "server-alias"

// aliases adds the further hosts of an Ingress to its routes. An alias loses to every host that a
// rule names, whoever is older.
func (b *build) aliases(o *object) {
	if len(o.settings.ServerAlias) == 0 || !o.serves() {
		return
	}
	at := annotation(aliasKey)
	for _, alias := range o.settings.ServerAlias {
		alias = strings.ToLower(alias)
		if slices.Contains(o.aliases, alias) || slices.Contains(ingressHosts(o.ingress), alias) {
			continue
		}
		if b.ruleHosts[alias] {
			o.tell(v1alpha1.ReasonConflicted, at, "host %s belongs to the rules that name it, so it is no alias here: remove it, or write rules for it", alias)
			continue
		}
		o.aliases = append(o.aliases, alias)
		b.alias(o, alias)
	}
}

// alias claims the paths of the Ingress on another host. Where two of its hosts have the same path,
// that of the first rule counts.
func (b *build) alias(o *object, alias string) {
	at := annotation(aliasKey)
	for _, index := range o.routes {
		// The route's own match is its first; aliases that came before stand behind it.
		m := b.cfg.Routes[index].Matches[0]
		m.Host = alias
		if b.claims[m.Key()].object == o || !b.claim(o, m, at) {
			continue
		}
		b.claims[m.Key()] = claimant{o, index}
		route := &b.cfg.Routes[index]
		route.Matches = append(route.Matches, m)
	}
	b.lendCertificate(o, alias)
}

// lendCertificate serves a certificate of the Ingress for another name too, if it is for the name and
// nobody gives it another one.
func (b *build) lendCertificate(o *object, host string) {
	if _, taken := b.certified[host]; taken {
		return
	}
	for _, secret := range o.certificates {
		if pair := b.pairs.get(secret); pair.err == nil && pair.covers(host) {
			b.certified[host] = certificateOwner{o, secret}
			return
		}
	}
}

// appRoot redirects / to the root of the application where / belongs to the Ingress or to nobody.
func (b *build) appRoot(o *object) {
	if o.settings.AppRoot == "" || !o.serves() {
		return
	}
	hosts := ingressHosts(o.ingress)
	for _, host := range slices.Concat(hosts, o.aliases) {
		if owner := b.claims[b.rootMatch(host).Key()].object; owner != nil && owner != o {
			o.tell(v1alpha1.ReasonConflicted, annotation(annotations.NginxPrefix+"app-root"), "/ of %s belongs to %s, so it is not redirected: remove the annotation, or that path",
				hostText(host), owner.nameFor(o, "an earlier rule"))
			continue
		}
		m := model.Match{Host: host, Path: model.PathMatch{Type: model.Exact, Value: "/"}}
		redirect := &model.Redirect{Status: 302, Location: o.settings.AppRoot}
		if own := b.claims[m.Key()]; own.object == o { // a path of type Exact: the redirect takes its place
			b.cfg.Routes[own.route].Redirect, b.cfg.Routes[own.route].Backends = redirect, nil
			continue
		}
		if !b.claim(o, m, annotation(annotations.NginxPrefix+"app-root")) {
			continue
		}
		route := b.ingressRoute(o, idHost(host)+"=/", m)
		route.Redirect = redirect
		b.add(o, route)
	}
}

// fromToWWW redirects from the name with www to the one without, or the other way round, whichever
// nobody serves.
func (b *build) fromToWWW(o *object) {
	if !o.settings.FromToWWW || !o.serves() {
		return
	}
	at := annotation(annotations.NginxPrefix + "from-to-www-redirect")
	for _, host := range ingressHosts(o.ingress) {
		if host == "" || strings.HasPrefix(host, "*.") {
			o.tell(v1alpha1.ReasonInvalidAnnotation, at, "%s has no www name, so nothing is redirected to it: write rules for exact hosts", hostText(host))
			continue
		}
		other, found := strings.CutPrefix(host, "www.")
		if !found {
			other = "www." + host
		}
		m := model.Match{Host: other, Path: model.PathMatch{Value: "/"}}
		if _, taken := b.claims[m.Key()]; taken || b.ruleHosts[other] {
			continue // served, or redirected by another Ingress of the host
		}
		b.claim(o, m, at)
		b.lendCertificate(o, other)
		b.add(o, model.Route{
			ID:        b.uniqueID(routeID("ingress", o, other)),
			Matches:   []model.Match{m},
			Protocols: model.WebSocket | model.HTTP,
			Redirect:  &model.Redirect{Status: 308, Location: "$scheme://" + host + "$request_uri"},
			NoLog:     o.base.NoLog,
		})
	}
}
