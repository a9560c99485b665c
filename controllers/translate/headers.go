package translate

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// fieldError says why a header field can't be sent, or returns nil.
func fieldError(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%q is not the name of a header", name)
	case isProtocols(name):
		return fmt.Errorf("%s belongs to the protocol and can't be changed", http.CanonicalHeaderKey(name))
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("the value of %s has a control character", http.CanonicalHeaderKey(name))
	}
	return nil
}

// protocolFields make the protocol work (RFC 9110 section 7.6.1, RFC 9112), as do those that begin with
// Sec-WebSocket-; see model.Headers.
var protocolFields = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func isProtocols(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return slices.Contains(protocolFields, name) || strings.HasPrefix(name, "Sec-Websocket-")
}

// customHeaders adds the fields of a ConfigMap to answers: those that the administrator allows.
func (b *build) customHeaders(o *object) {
	ref := o.settings.CustomHeaders
	if ref == nil {
		return
	}
	found := b.configMapOf(o, ref, "no header is added")
	if found == nil {
		return
	}
	at := annotation(ref.Key)
	edits := &o.base.Headers.Response
	edits.Set = slices.Clone(edits.Set)
	for _, name := range slices.Sorted(maps.Keys(found.Data)) {
		value := found.Data[name]
		if err := fieldError(name, value); err != nil {
			o.tell(v1alpha1.ReasonInvalidRef, at, "ConfigMap %s/%s: %v; it is not added: correct it, or remove it", found.Namespace, found.Name, err)
			continue
		}
		if !slices.ContainsFunc(b.opts.ResponseHeaders, func(allowed string) bool { return strings.EqualFold(allowed, name) }) {
			o.tell(v1alpha1.ReasonRefNotPermitted, at, "header %s of ConfigMap %s/%s is not among those that the controller allows, so it is not added: "+
				"have it added to --allowed-response-headers, or remove it", name, found.Namespace, found.Name)
			continue
		}
		edits.Set = append(edits.Set, model.Field{Name: http.CanonicalHeaderKey(name), Value: value})
	}
}

// forwardPrefix tells endpoints what was cut from the path, where a path is rewritten at all.
func (o *object) forwardPrefix(route *model.Route) {
	if o.settings.ForwardedPrefix == "" || o.settings.RewriteTarget == "" {
		return
	}
	route.Headers.Request.Set = slices.Concat(route.Headers.Request.Set, []model.Field{{Name: "X-Forwarded-Prefix", Value: o.settings.ForwardedPrefix}})
}
