package annotations

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// maxCanaryTotal bounds what a weight is a part of.
const maxCanaryTotal = 1_000_000

var nginxCanaryRows = []Row{
	{
		Name: "canary", Type: typeBool, Default: "false", Example: "true", PerObject: true,
		Doc:     "Makes the Ingress an addition to the one that has its hosts and paths, and gives it a part of the requests: by canary-by-header, then canary-by-cookie, then canary-weight. A client that a sticky cookie binds stays where it is. A socket stays where its handshake went.",
		Differs: "If it can't be read, the Ingress is not served at all, lest it take all requests. How an endpoint of the canary is chosen, the main Ingress says too: there, affinity, load-balance and upstream-hash-by of the canary count.",
		sets:    []string{"CanaryOn"}, parse: boolean(func(d *draft, b bool) { d.CanaryOn = b }),
	}, {
		Name: "canary-weight", Type: typeCount, Default: "0", Example: "10", needs: needCanary, PerObject: true,
		Doc:  "Share of the requests, in percent or parts of canary-weight-total.",
		sets: []string{"Canary.Weight"}, parse: whole(0, maxCanaryTotal, func(d *draft, n int) { d.Canary.Weight = n }),
	}, {
		Name: "canary-weight-total", Type: typeCount, Default: "100", Example: "1000", needs: needCanary, PerObject: true,
		Doc:  "What canary-weight is a part of; less than 100 counts as 100, and is told.",
		sets: []string{"Canary.Total"}, parse: canaryTotal,
	}, {
		Name: "canary-by-header", Type: "header name", Default: "none", Example: "X-Canary", needs: needCanary, PerObject: true,
		Doc:  "A header whose value always takes the canary, and never does not.",
		sets: []string{"Canary.Header"}, parse: headerName(func(d *draft, s string) { d.Canary.Header = s }),
	}, {
		Name: "canary-by-header-value", Type: "text", Default: "always", Example: "beta", needs: needCanaryHeader, PerObject: true,
		Doc:  "The value of the header that takes the canary; with any other, the cookie and the weight decide.",
		sets: []string{"Canary.HeaderValue"}, parse: text(maxTemplate, func(d *draft, s string) { d.Canary.HeaderValue = s }),
	}, {
		Name: "canary-by-header-pattern", Type: "regular expression", Default: "none", Example: "^(beta|staff)$", needs: needCanaryHeader, PerObject: true,
		Doc:     "What the value of the header must match in any part to take the canary. It counts without canary-by-header-value only.",
		Differs: "The syntax is RE2.",
		sets:    []string{"Canary.HeaderPattern"}, parse: canaryPattern,
	}, {
		Name: "canary-by-cookie", Type: "cookie name", Default: "none", Example: "canary", needs: needCanary, PerObject: true,
		Doc:  "A cookie whose value always takes the canary, and never does not.",
		sets: []string{"Canary.Cookie"}, parse: func(value string, d *draft) error {
			d.Canary.Cookie = value
			return cookieName(value)
		},
	}, {
		Name: "affinity-canary-behavior", Type: "sticky or legacy", Default: "sticky", Example: "legacy", needs: needCanaryItself, PerObject: true,
		Doc:  "Of a canary Ingress: legacy decides anew for clients that a sticky cookie binds.",
		sets: []string{"Canary.IgnoreSticky"}, parse: choice([]option[bool]{{"sticky", false}, {"legacy", true}}, func(d *draft, b bool) { d.Canary.IgnoreSticky = b }),
	},
}

func canaryTotal(value string, d *draft) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxCanaryTotal {
		return fmt.Errorf("%q is not a whole number from 100 to %d", value, maxCanaryTotal)
	}
	if n < 100 {
		d.misread("less than 100 is taken for 100, as in ingress-nginx")
		n = 100
	}
	d.Canary.Total = n
	return nil
}

func canaryPattern(value string, d *draft) error {
	if _, err := regexp.Compile(value); err != nil {
		// As there: without any pattern the value "always" would take the canary, which nobody meant.
		d.misread("%q is not a regular expression (RE2 syntax: no look-around, no back-references), so no value of the header takes the canary", value)
		value = neverMatches
	}
	d.Canary.HeaderPattern = value
	return nil
}

// neverMatches is an expression that matches nothing, not even an empty text.
const neverMatches = `[^\x{0}-\x{10FFFF}]`

// overweight mends a weight that is more than the whole.
func (p *parsing) overweight() {
	total := p.d.Canary.Total
	if total == 0 {
		total = 100
	}
	if w, found := p.wrote(NginxPrefix + "canary-weight"); found && p.d.Canary.Weight > total {
		p.tell(v1alpha1.ReasonInvalidAnnotation, w.key, "%d is more than the whole of %d, so the canary takes all requests", p.d.Canary.Weight, total)
		p.d.Canary.Weight = total
	}
}

// leaveOut does away with an Ingress that may be meant to be an addition to another one: by itself it
// would take the other's requests.
func (p *parsing) leaveOut(r rejected) {
	p.d.LeftOutBy = r.key
	p.tell(v1alpha1.ReasonInvalidAnnotation, r.key, "%v; the Ingress is not served, because it would take all requests of another one if it is meant to be a canary (an example: %q)", r.err, r.Example)
}
