package translate

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/proxy/model"
)

// fallback finds the backend that answers in place of an Ingress's own: that of its annotation or,
// for errors, the controller's.
func (b *build) fallback(o *object) {
	s := &o.settings
	if s.RedirectTo != nil || s.DefaultBackend == "" && len(s.CustomErrors) == 0 {
		return
	}
	var ref model.BackendRef
	var found bool
	switch {
	case s.DefaultBackend != "":
		key := types.NamespacedName{Namespace: o.meta.Namespace, Name: s.DefaultBackend}
		ref, found = b.firstPort(o, key, annotation(annotations.NginxPrefix+"default-backend"), "there is no other answer than the endpoints'")
	case b.opts.DefaultBackend != types.NamespacedName{}:
		ref, found = b.firstPort(b.controller(), b.opts.DefaultBackend, field.NewPath("defaultBackend"), "")
	default:
		o.tell(v1alpha1.ReasonInvalidAnnotation, annotation(annotations.NginxPrefix+"custom-http-errors"),
			"nobody answers in place of the endpoints, so the annotation has no effect: add %sdefault-backend", annotations.NginxPrefix)
	}
	if found {
		o.base.Fallback = &model.Fallback{Backend: ref, Errors: s.CustomErrors}
	}
}

// toldOf is what a fallback learns of the request besides the error (ingress-nginx, "Custom errors").
func toldOf(o *object, backend *networkingv1.IngressBackend) []model.Field {
	told := []model.Field{{Name: "X-Namespace", Value: o.meta.Namespace}, {Name: "X-Ingress-Name", Value: o.meta.Name}}
	if backend.Service == nil {
		return told
	}
	port := backend.Service.Port.Name
	if port == "" {
		port = strconv.Itoa(int(backend.Service.Port.Number))
	}
	return append(told, model.Field{Name: "X-Service-Name", Value: backend.Service.Name}, model.Field{Name: "X-Service-Port", Value: port})
}

// firstPort finds the first TCP port of a Service.
func (b *build) firstPort(o *object, key types.NamespacedName, at *field.Path, instead string) (model.BackendRef, bool) {
	var port intstr.IntOrString
	if svc := b.endpoints.services[key]; svc != nil {
		first := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return isTCP(&p) })
		if first < 0 {
			o.tell(v1alpha1.ReasonPortNotFound, at, "Service %s lists no TCP port; %s: give it one, or name another Service", key, instead)
			return model.BackendRef{}, false
		}
		port = intstr.FromInt32(svc.Spec.Ports[first].Port)
	}
	return b.backend(o, servicePort{namespace: key.Namespace, name: key.Name, nameAt: at, port: port, portAt: at, instead: instead})
}

// controller stands for the controller's own settings where an object is asked for; what is told to
// it is told to nobody.
func (b *build) controller() *object {
	return &object{meta: &metav1.ObjectMeta{Namespace: b.opts.DefaultBackend.Namespace}}
}

// globalDefault serves what no route matches, if a Service is named for it.
func (b *build) globalDefault() {
	key := b.opts.DefaultBackend
	if key == (types.NamespacedName{}) {
		return
	}
	m := model.Match{Path: model.PathMatch{Value: "/"}}
	if _, taken := b.claims[m.Key()]; taken {
		return // an Ingress or WebSocketRoute for any host has it
	}
	o := b.controller()
	ref, found := b.firstPort(o, key, field.NewPath("defaultBackend"), "what no route matches is answered 404")
	b.problems = append(b.problems, o.report.Problems...)
	if !found {
		return
	}
	b.add(o, model.Route{
		ID:        b.uniqueID("default-backend"),
		Matches:   []model.Match{m},
		Protocols: model.WebSocket | model.HTTP,
		Backends:  []model.BackendRef{ref},
	})
}
