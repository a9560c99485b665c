package table

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// conditionsInWords says what a match asks for besides host and path.
func conditionsInWords(m model.Match) (words []string) {
	add := func(kind string, fields []model.FieldMatch, spelled func(string) string) {
		for _, f := range fields {
			sign := map[model.FieldMatchType]string{model.FieldExact: "=", model.FieldRegularExpression: "~"}[f.Type]
			if f.Type == model.FieldPresent {
				f.Value = ""
			}
			words = append(words, kind+" "+spelled(f.Name)+sign+f.Value)
		}
	}
	add("header", m.Headers, http.CanonicalHeaderKey)
	add("query", m.QueryParams, strings.Clone)
	if len(m.Subprotocols) > 0 {
		words = append(words, "subprotocol "+strings.Join(m.Subprotocols, "|"))
	}
	return words
}

// inWords says what takes the canary.
func (c *Canary) inWords() (words []string) {
	switch {
	case c.Header == "":
	case c.HeaderValue != "":
		words = append(words, "header "+c.header+"="+c.HeaderValue)
	case c.HeaderPattern != "":
		words = append(words, "header "+c.header+"~"+c.HeaderPattern)
	default:
		words = append(words, "header "+c.header+"=always")
	}
	if c.Cookie != "" {
		words = append(words, "cookie "+c.Cookie+"=always")
	}
	weight, total := c.Share()
	return append(words, fmt.Sprintf("weight %d/%d", weight, total))
}

// policyInWords says what a route does beyond finding an endpoint. What may be secret is not told: of
// users, keys and certificates that there are some, of addresses that may hold a password their kind.
func policyInWords(r *model.Route) []string {
	var w words
	w.access(&r.Access)
	w.limits(&r.Limits)
	w.balance(&r.Balance)
	w.retries(&r.Retries)
	w.when(r.CORS != nil, "CORS")
	w.when(r.MaxBody > 0, "body up to "+strconv.FormatInt(r.MaxBody, 10)+" bytes")
	w.when(r.Headers.Request.Any(), "edits request headers")
	w.when(r.Headers.Response.Any(), "edits response headers")
	w.when(r.RedirectHTTPS, "https only")
	w.when(r.InsecureUpgrade != model.ServeInsecure, "insecure upgrades: "+r.InsecureUpgrade.String())
	w.when(r.MinTLS != 0, "at least "+tls.VersionName(r.MinTLS))
	w.when(r.BackendTLS.Verify, "verifies endpoints")
	w.when(r.BackendTLS.CertPEM != "", "shows endpoints a certificate")
	w.when(r.NoLog, "no log")
	return w
}

type words []string

func (w *words) when(said bool, what string) {
	if said {
		*w = append(*w, what)
	}
}

// some writes a list, or how long it is when that is shorter.
func some[T any](list []T) string {
	if len(list) > 3 {
		return strconv.Itoa(len(list)) + " entries"
	}
	return strings.Trim(fmt.Sprint(list), "[]")
}

func (w *words) access(a *model.Access) {
	w.when(a.Sealed != "", "sealed: "+a.Sealed)
	w.when(len(a.Deny) > 0, "denies "+some(a.Deny))
	w.when(len(a.Allow) > 0, "allows "+some(a.Allow))
	w.when(len(a.Origins) > 0, "origins "+some(a.Origins))
	if a.ClientCert != nil {
		w.when(true, "client certificate: "+a.ClientCert.Mode.String())
	}
	w.when(a.Basic != nil, "basic authentication")
	w.when(a.External != nil, "external authentication")
	w.when(a.SatisfyAny, "satisfied by any")
}

func (w *words) limits(l *model.Limits) {
	w.when(l.Sessions > 0, fmt.Sprint(l.Sessions, " sessions"))
	w.when(l.SessionsPerClient > 0, fmt.Sprint(l.SessionsPerClient, " sessions per client"))
	for _, r := range l.Rates {
		w.when(true, fmt.Sprintf("%d per %v", r.Events, r.Per))
	}
	for _, r := range l.PerClient {
		w.when(true, fmt.Sprintf("%d per %v and client", r.Events, r.Per))
	}
	w.when(len(l.Exempt) > 0, "exempt "+some(l.Exempt))
}

func (w *words) balance(b *model.Balance) {
	w.when(b.HashTemplate != "", "hashes "+b.HashTemplate)
	w.when(b.Subset > 1, fmt.Sprint("subsets of ", b.Subset))
	w.when(b.ByLiveSessions, "weights are of live sessions")
	if b.Sticky != nil {
		w.when(true, "cookie "+cmp.Or(b.Sticky.Name, model.DefaultStickyName)+" ("+b.Sticky.Mode.String()+")")
	}
}

func (w *words) retries(r *model.Retries) {
	w.when(r.Unlimited, "tries every endpoint")
	w.when(!r.Unlimited && r.Attempts > 0, fmt.Sprint("tries ", r.Attempts, " endpoints"))
	w.when(r.Timeout > 0, "for "+r.Timeout.String())
	w.when(len(r.Statuses) > 0, "retries "+some(r.Statuses))
	w.when(r.On&model.RetryNever != 0, "retries no failure")
}
