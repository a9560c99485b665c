package translate

import (
	"net/http"
	"time"

	"k8s.io/utils/ptr"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// defaultBurst is how many times a rate may come at once (ingress-nginx, limit-burst-multiplier).
const defaultBurst = 5

// policyLimits reads what clients may take.
func (o *object) policyLimits(w *written) model.Limits {
	l := w.Limits
	if l == nil {
		return model.Limits{}
	}
	rates := func(perSecond *int32) []model.Rate {
		events := int(ptr.Deref(perSecond, 0))
		if events <= 0 {
			return nil
		}
		return []model.Rate{{Events: events, Per: time.Second, Burst: events * int(ptr.Deref(l.Burst, defaultBurst))}}
	}
	result := model.Limits{
		Sessions:          int(ptr.Deref(l.Sessions, 0)),
		SessionsPerClient: int(ptr.Deref(l.SessionsPerClient, 0)),
		Rates:             rates(l.HandshakesPerSecond),
		PerClient:         rates(l.HandshakesPerSecondPerClient),
	}
	var err error
	if result.Exempt, err = networks(l.ExemptCIDRs); err != nil {
		o.tellOnce(v1alpha1.ReasonInvalid, w.at(func(p *v1alpha1.Policy) bool { return p.Limits != nil && len(p.Limits.ExemptCIDRs) > 0 }, "limits", "exemptCIDRs"),
			"%v; the limits count for its clients too: correct it", err)
	}
	return result
}

// policyHeaders reads the changes to headers.
func (o *object) policyHeaders(w *written) model.Headers {
	h := w.Headers
	if h == nil {
		return model.Headers{}
	}
	return model.Headers{
		Request:  o.headerEdits(w, h.Request, "request", func(h *v1alpha1.Headers) *v1alpha1.HeaderEdits { return h.Request }),
		Response: o.headerEdits(w, h.Response, "response", func(h *v1alpha1.Headers) *v1alpha1.HeaderEdits { return h.Response }),
	}
}

func (o *object) headerEdits(w *written, e *v1alpha1.HeaderEdits, direction string, of func(*v1alpha1.Headers) *v1alpha1.HeaderEdits) model.HeaderEdits {
	var result model.HeaderEdits
	if e == nil {
		return result
	}
	usable := func(part string, i int, name, value string, set func(*v1alpha1.HeaderEdits) bool) bool {
		err := fieldError(name, value)
		if err != nil {
			at := w.at(func(p *v1alpha1.Policy) bool { return p.Headers != nil && of(p.Headers) != nil && set(of(p.Headers)) }, "headers", direction, part)
			o.tellOnce(v1alpha1.ReasonInvalid, at.Index(i), "%v; it is left as it is: remove it", err)
		}
		return err == nil
	}
	for i, name := range e.Remove {
		if usable("remove", i, string(name), "", func(e *v1alpha1.HeaderEdits) bool { return len(e.Remove) > 0 }) {
			result.Remove = append(result.Remove, http.CanonicalHeaderKey(string(name)))
		}
	}
	for i, f := range e.Set {
		if usable("set", i, string(f.Name), f.Value, func(e *v1alpha1.HeaderEdits) bool { return len(e.Set) > 0 }) {
			result.Set = append(result.Set, model.Field{Name: http.CanonicalHeaderKey(string(f.Name)), Value: f.Value})
		}
	}
	for i, f := range e.Add {
		if usable("add", i, string(f.Name), f.Value, func(e *v1alpha1.HeaderEdits) bool { return len(e.Add) > 0 }) {
			result.Add = append(result.Add, model.Field{Name: http.CanonicalHeaderKey(string(f.Name)), Value: f.Value})
		}
	}
	return result
}
