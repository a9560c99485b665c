package annotations

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

var nginxAccessRows = []Row{
	{
		Name: "denylist-source-range", Type: typeCIDRs, Default: "none", Example: "192.0.2.0/24", Guards: true,
		Doc:  "Clients that are answered 403; asked before the other list.",
		sets: []string{"Access.Deny"}, parse: cidrs(setDeny),
	}, {
		Name: "whitelist-source-range", Type: typeCIDRs, Default: "all", Example: "10.0.0.0/8", Guards: true,
		Doc:  "The only clients that are let in; the old name of allowlist-source-range.",
		sets: []string{"Access.Allow"}, parse: cidrs(setAllow),
	}, {
		Name: "allowlist-source-range", Type: typeCIDRs, Default: "all", Example: "10.0.0.0/8, 192.0.2.7", Guards: true,
		Doc:  "The only clients that are let in; all others are answered 403.",
		sets: []string{"Access.Allow"}, parse: cidrs(setAllow),
	}, {
		Name: "auth-type", Type: "basic", Default: "none", Example: "basic", Guards: true,
		Doc:     "Asks for a name and a password, which are in auth-secret.",
		Differs: "digest is refused: the paths are answered with 503.",
		sets:    []string{"AuthType"}, parse: authType,
	}, {
		Name: "auth-secret", Type: typeSecret, Default: "none", Example: "chat-users", Guards: true, needs: needPassword,
		Doc:  "The Secret with the passwords: lines of htpasswd in its key auth. While it can't be read, the paths are answered with 503.",
		sets: []string{"AuthRef"}, parse: reference(NginxPrefix+"auth-secret", func(d *draft, r *Ref) { d.AuthRef = r }),
	}, {
		Name: "auth-secret-type", Type: "auth-file or auth-map", Default: "auth-file", Example: "auth-map", Guards: true, needs: needPassword,
		Doc:  "auth-map: each key of the Secret is a name, and its value the hash of the password.",
		sets: []string{"BasicAuthMap"}, parse: choice([]option[bool]{{"auth-file", false}, {"auth-map", true}}, func(d *draft, b bool) { d.BasicAuthMap = b }),
	}, {
		Name: "auth-realm", Type: "text", Default: "Authentication Required", Example: "Chat", needs: needPassword,
		Doc:     "What browsers show when they ask for the password.",
		Differs: "Without it, the realm is empty there.",
		sets:    []string{"Realm"}, parse: text(maxRealm, func(d *draft, s string) { d.Realm = s }),
	}, {
		Name: "satisfy", Type: "all or any", Default: "all", Example: "any", Guards: true,
		Doc:  "any lets in whoever is in the list of networks or passes one of the ways to sign in.",
		sets: []string{"Access.SatisfyAny"}, parse: choice([]option[bool]{{"all", false}, {"any", true}}, func(d *draft, b bool) { d.Access.SatisfyAny = b }),
	},
}

// maxRealm and maxOrigins are those of a WebSocketRoute.
const (
	maxRealm   = 128
	maxOrigins = 64
)

var ourAccessRows = []Row{
	{
		Name: "origins", Type: "list of origins", Default: "all", Example: "https://app.example.com, https://*.example.org", Guards: true,
		Doc:  "Pages that may open WebSockets here, up to 64; others are answered 403. * stands for one label. Clients that tell no origin, which browsers don't do, are let in.",
		sets: []string{"Access.Origins"}, parse: origins,
	}, {
		Name: "allow-cidrs", Type: typeCIDRs, Default: "all", Example: "10.0.0.0/8, 192.0.2.7", Guards: true,
		Doc:  "The only clients that are let in; all others are answered 403.",
		sets: []string{"Access.Allow"}, parse: cidrs(setAllow),
	}, {
		Name: "deny-cidrs", Type: typeCIDRs, Default: "none", Example: "192.0.2.0/24", Guards: true,
		Doc:  "Clients that are answered 403; asked before allow-cidrs.",
		sets: []string{"Access.Deny"}, parse: cidrs(setDeny),
	}, {
		Name: "basic-auth-secret", Type: "name of a Secret", Default: "none", Example: "chat-users", Guards: true,
		Doc:  "Asks for a name and a password; the Secret of the Ingress's namespace has lines of htpasswd in its key auth. While it can't be read, the paths are answered with 503.",
		sets: []string{"AuthRef", "AuthType", "BasicAuthMap"}, parse: ownReference(OurPrefix+"basic-auth-secret", func(d *draft, r *Ref) {
			d.AuthRef, d.AuthType, d.BasicAuthMap = r, basic, false
		}),
	}, {
		Name: "basic-auth-realm", Type: "text", Default: "Authentication Required", Example: "Chat", needs: needPassword,
		Doc:  "What browsers show when they ask for the password.",
		sets: []string{"Realm"}, parse: text(maxRealm, func(d *draft, s string) { d.Realm = s }),
	},
}

func setAllow(d *draft, l []netip.Prefix) { d.Access.Allow = l }
func setDeny(d *draft, l []netip.Prefix)  { d.Access.Deny = l }

// basic is the one type of authentication by password (RFC 7617).
const basic = "basic"

func authType(value string, d *draft) error {
	switch plain(value) {
	case basic:
		d.AuthType = basic
		return nil
	case "digest":
		return fmt.Errorf("digest, which hashes passwords with MD5, is %w: write basic and serve by TLS", errUnsupported)
	}
	return fmt.Errorf("%q is not basic", value)
}

// origin is scheme, host and, unless it is the scheme's own, port (RFC 6454 section 6.2).
var origin = regexp.MustCompile(`^[a-z][-+.a-z0-9]*://(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|\[[0-9a-f:]+\])(:[0-9]{1,5})?$`)

func origins(value string, d *draft) error {
	list, err := originList(value)
	if err == nil {
		d.Access.Origins = list
	}
	return err
}

func originList(value string) ([]string, error) {
	parts, err := list(value)
	if err != nil {
		return nil, err
	}
	if len(parts) > maxOrigins {
		return nil, fmt.Errorf("%d origins are too many: write at most %d", len(parts), maxOrigins)
	}
	for _, part := range parts {
		if part != "*" && !origin.MatchString(part) {
			return nil, fmt.Errorf("%q is no origin such as https://app.example.com or https://*.example.com:8443: lower case, no path", part)
		}
	}
	return parts, nil
}

// passwordless seals an Ingress that asks for a password and names nobody who has one.
func (p *parsing) passwordless() {
	const typeKey, secretKey = NginxPrefix + "auth-type", NginxPrefix + "auth-secret"
	if p.d.AuthType == "" || p.d.AuthRef != nil || p.d.sealedBy(&table[position[secretKey]]) {
		return
	}
	p.tell(v1alpha1.ReasonInvalidAnnotation, typeKey, "%s is missing, so nobody has a password: the paths are answered with 503 until it is there", secretKey)
	p.d.seal(&table[position[typeKey]], secretKey+" is missing")
}

// openCORS tells who names the pages that may read answers that any page may open a socket all the same.
func (p *parsing) openCORS() {
	w, found := p.wrote(NginxPrefix + "cors-allow-origin")
	if !found || !p.d.CORSOn || len(p.d.Access.Origins) > 0 || len(p.d.CORS.Origins) == 0 || p.d.CORS.Origins[0] == "*" {
		return
	}
	p.note(reasonDiffers, w.key, "CORS never kept a page from opening a WebSocket, here as in ingress-nginx: add %sorigins with the same list to refuse the handshakes of other pages", OurPrefix)
}
