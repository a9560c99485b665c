package admit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/template"
)

// external asks a service about every request.
type external struct {
	*model.ExternalAuth
	url, redirect, signIn, cacheKey template.Template
	set                             []setHeader
	told                            []string // headers of the answer for the endpoint
	timeout                         time.Duration
	remembered                      *answers // nil: nothing is
}

// setHeader is a header of the question.
type setHeader struct {
	name  string
	value template.Template
}

// newExternal returns nil when nobody is asked.
func newExternal(a *model.ExternalAuth, matches []model.Match) (*external, error) {
	if a == nil {
		return nil, nil
	}
	e := &external{ExternalAuth: a, timeout: a.Timeout.Or(model.DefaultExternalAuth)}
	var err error
	parse := func(what, text string) (t template.Template) {
		if err == nil {
			if t, err = template.Parsed(text); err != nil {
				err = fmt.Errorf("%s: %w", what, err)
			}
		}
		return t
	}
	e.url, e.redirect = parse("the URL", a.URL), parse("the redirect", a.RequestRedirect)
	e.signIn, e.cacheKey = parse("the sign-in page", a.SignIn), parse("the cache's key", a.CacheKey)
	for _, f := range a.SetHeaders {
		e.set = append(e.set, setHeader{f.Name, parse("the header "+f.Name, f.Value)})
		if err == nil && !httpguts.ValidHeaderFieldName(f.Name) {
			err = fmt.Errorf("%q is no name of a header", f.Name)
		}
	}
	for _, name := range a.ResponseHeaders {
		if err == nil {
			err = changeable(name)
		}
		e.told = append(e.told, http.CanonicalHeaderKey(name))
	}
	if err == nil && a.Method != "" && !httpguts.ValidHeaderFieldName(a.Method) {
		err = fmt.Errorf("%q is no method", a.Method)
	}
	if err == nil {
		err = validService(e.url, matches)
	}
	if a.CacheKey != "" && len(a.CacheFor) > 0 {
		e.remembered = newAnswers()
	}
	return e, err
}

// verdict is what the service says about a request.
type verdict struct {
	status    int
	told      http.Header // for the endpoint
	cookies   []string
	challenge string // WWW-Authenticate, its lines in one
}

// check asks the service, or remembers what it said.
func (e *external) check(s *Subject) *model.Refusal {
	if e == nil {
		return nil
	}
	vars := &template.Request{Request: s.Request, Client: s.Client, Secure: s.Secure}
	v, err := e.verdict(s, vars)
	if err != nil {
		if refusal := left(s); refusal != nil {
			return refusal
		}
		return &model.Refusal{
			Status: http.StatusInternalServerError, Reason: model.AuthFailed,
			Detail: "the service that knows who may come in did not answer as it should", Err: err,
		}
	}
	s.Cookies, s.AlwaysCookies = v.cookies, e.AlwaysSetCookie
	if v.status < 300 {
		for _, name := range e.told {
			s.tell(name, v.told[name]...)
		}
		return nil
	}
	return e.refuse(s, vars, v)
}

// left is the end of a request that its client did not wait for; nil: it is there.
func left(s *Subject) *model.Refusal {
	cause := context.Cause(s.Request.Context())
	if cause == nil {
		return nil
	}
	return &model.Refusal{Status: 499, Reason: model.ClientGone, Detail: "the client left before it was answered", Err: cause}
}

// unsaid takes away what a client has put where the service speaks to endpoints, and it did not.
func (e *external) unsaid(s *Subject) {
	for _, name := range e.told {
		if _, said := s.Told[name]; !said {
			s.tell(name)
		}
	}
}

// refuse passes on a 401 or 403, and sends whoever reads pages to where one can sign in.
func (e *external) refuse(s *Subject, vars *template.Request, v *verdict) *model.Refusal {
	refusal := &model.Refusal{
		Status: v.status, Reason: model.AuthRefused, Detail: "you are not let in", Header: map[string]string{},
	}
	if v.status != http.StatusUnauthorized {
		return refusal
	}
	if v.challenge != "" {
		refusal.Header["WWW-Authenticate"] = v.challenge
	}
	if e.SignIn != "" && s.Upgrade == "" {
		refusal.Status, refusal.Detail = http.StatusFound, "sign in first"
		refusal.Header = map[string]string{"Location": e.signInPage(vars), "Cache-Control": "no-store"}
	}
	return refusal
}

// signInPage returns where to sign in, with the page to come back to, unless it is there already.
func (e *external) signInPage(vars *template.Request) string {
	page, fragment, fragmented := strings.Cut(printable(e.signIn.Expand(vars.Value)), "#")
	param := e.SignInParam
	if param == "" {
		param = "rd"
	}
	address, query, asked := strings.Cut(page, "?")
	if known, _ := url.ParseQuery(query); !known.Has(param) {
		if asked && query != "" {
			query += "&"
		}
		query += url.QueryEscape(param) + "=" + url.QueryEscape(original(vars))
	}
	page = address + "?" + query
	if fragmented {
		page += "#" + fragment
	}
	return page
}

// original is the address that the client has asked for.
func original(vars *template.Request) string {
	return vars.Value("scheme") + "://" + vars.Value("http_host") + vars.Value("request_uri")
}

// maxDrained bounds what is read of an answer's content, so that its connection can be used again.
const maxDrained = 64 << 10

var errStatus = errors.New("an answer that says neither yes nor no")

// ask asks the service, without what was remembered. An answer that is neither yes nor no is an error;
// redirects are not followed.
func (e *external) ask(ctx context.Context, services http.RoundTripper, question *http.Request) (*verdict, http.Header, error) {
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	at := question.URL.Scheme + "://" + question.URL.Host // the rest may have secrets in it
	answer, err := services.RoundTrip(question.WithContext(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", at, err)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxDrained)
	_ = answer.Body.Close()
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300, status == http.StatusUnauthorized, status == http.StatusForbidden:
	default:
		return nil, nil, fmt.Errorf("%s: %w: %d", at, errStatus, status)
	}
	v := &verdict{
		status: answer.StatusCode, told: http.Header{}, cookies: answer.Header["Set-Cookie"],
		challenge: strings.Join(answer.Header["Www-Authenticate"], ", "),
	}
	for _, name := range e.told {
		v.told[name] = answer.Header[name]
	}
	return v, answer.Header, nil
}

// question makes the request for the service: that of the client without its content, and without
// what makes it an upgrade.
func (e *external) question(s *Subject, vars *template.Request) (*http.Request, error) {
	method := e.Method
	if method == "" {
		method = s.Request.Method
	}
	// The context comes when it is asked.
	q, err := http.NewRequestWithContext(context.Background(), method, serviceURL(e.url, vars), http.NoBody)
	if err != nil || q.URL.Host == "" || q.URL.Scheme != "http" && q.URL.Scheme != "https" {
		return nil, errors.New("the request does not make a URL of the service's template")
	}
	q.URL.User, q.URL.Fragment = nil, ""
	q.Header = s.Forwarded()
	told := http.Header{}
	maps.Copy(told, s.Told) // what is known of the client's certificate
	set := func(name, value string) { told[http.CanonicalHeaderKey(name)] = []string{printable(value)} }
	set("X-Original-URL", original(vars))
	set("X-Original-Method", s.Request.Method)
	set("X-Sent-From", "fairlead")
	set("X-Auth-Request-Redirect", vars.Value("request_uri"))
	if e.RequestRedirect != "" {
		set("X-Auth-Request-Redirect", e.redirect.Expand(vars.Value))
	}
	for _, h := range e.set {
		set(h.name, h.value.Expand(vars.Value))
	}
	for name := range q.Header {
		if !passesToService(name) {
			delete(q.Header, name)
		}
	}
	only(q.Header, told, &model.HeaderEdits{})
	for name, values := range told {
		if passesToService(name) {
			q.Header[name] = values
		}
	}
	return q, nil
}

// passesToService reports whether a header goes with the question: there is no content and no
// upgrade, and services that find an Upgrade may try one. The subprotocols go: pages can't set headers,
// and send a token among them.
func passesToService(name string) bool {
	switch name {
	case "Upgrade", "Connection", "Content-Length", "Transfer-Encoding", "Expect", "Host", "Te", "Trailer":
		return false
	}
	return name == "Sec-Websocket-Protocol" || !strings.HasPrefix(name, "Sec-Websocket-")
}
