package proxy

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/fairlead/fairlead/proxy/backend"
	"github.com/fairlead/fairlead/proxy/balance"
	"github.com/fairlead/fairlead/proxy/table"
)

// inPlaceOf returns the answer that the client gets in place of an endpoint's: the same one, or that
// of the route's fallback under the same status. A fallback that does not answer is worth nothing:
// then the endpoint's own words are better. Both are the caller's to close.
func (x *exchange) inPlaceOf(ctx context.Context, answer *http.Response) *http.Response {
	route := x.hit.Route
	if route.Fallback == nil || !slices.Contains(route.Fallback.Errors, answer.StatusCode) || answer.StatusCode < 400 {
		return answer
	}
	spare, found := spareEndpoint(route)
	if !found || spare.endpoint == x.chosen.endpoint {
		return answer
	}
	question := x.aboutError(ctx, answer.StatusCode)
	addressed, err := backend.To(question, x.addressOf(spare), x.timeouts().Connect)
	if err != nil {
		return answer
	}
	page, err := x.server.plain.Transport.(tries).transport.RoundTrip(addressed)
	if err != nil {
		x.server.log.Debug("the fallback did not answer in place of an error", "route", route.ID, "error", err)
		return answer
	}
	if page.StatusCode < http.StatusOK {
		_ = page.Body.Close()
		return answer
	}
	page.StatusCode, page.Status = answer.StatusCode, answer.Status
	return page
}

// aboutError asks a fallback what to say instead of an answer with this status. It learns nothing
// more of the request.
func (x *exchange) aboutError(ctx context.Context, status int) *http.Request {
	q := (&http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: x.r.Host, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	for _, f := range x.hit.Route.Fallback.Told {
		q.Header.Add(f.Name, f.Value)
	}
	q.Header.Set("X-Code", strconv.Itoa(status))
	q.Header.Set("X-Format", x.r.Header.Get("Accept"))
	q.Header.Set("X-Original-Uri", x.r.RequestURI)
	return q
}

// spareEndpoint chooses an endpoint of the route's fallback.
func spareEndpoint(route *table.Route) (choice, bool) {
	for _, b := range route.Spare {
		if i := balance.InTurn(b.Live.Turn(), len(b.Open), nil); i != balance.None {
			return choice{b, b.Open[i]}, true
		}
	}
	return choice{}, false
}
