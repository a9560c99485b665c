package snapshot

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
)

// check sets the defaults that an API server sets, as far as they matter here, and returns what an
// API server would refuse. Loopback endpoints are the exception: it refuses them and we don't.
func check(o client.Object) field.ErrorList {
	switch o := o.(type) {
	case *networkingv1.Ingress:
		return checkIngress(&o.Spec, field.NewPath("spec"))
	case *networkingv1.IngressClass:
		if o.Spec.Controller == "" {
			return field.ErrorList{field.Required(field.NewPath("spec", "controller"), "")}
		}
	case *corev1.Service:
		return checkService(&o.Spec, field.NewPath("spec"))
	case *corev1.Secret:
		return checkSecret(o)
	case *corev1.ConfigMap:
		return checkConfigMap(o)
	case *gatewayv1beta1.ReferenceGrant:
		return checkGrant(&o.Spec, field.NewPath("spec"))
	case *discoveryv1.EndpointSlice:
		return checkEndpointSlice(o)
	}
	return nil
}

func checkIngress(spec *networkingv1.IngressSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(spec.Rules) == 0 && spec.DefaultBackend == nil {
		errs = append(errs, field.Required(at, "either rules or defaultBackend"))
	}
	if spec.DefaultBackend != nil {
		errs = append(errs, checkBackend(spec.DefaultBackend, at.Child("defaultBackend"))...)
	}
	for i, rule := range spec.Rules {
		at := at.Child("rules").Index(i)
		errs = append(errs, checkHost(rule.Host, at.Child("host"))...)
		if rule.HTTP == nil {
			continue
		}
		if len(rule.HTTP.Paths) == 0 {
			errs = append(errs, field.Required(at.Child("http", "paths"), ""))
		}
		for j := range rule.HTTP.Paths {
			errs = append(errs, checkPath(&rule.HTTP.Paths[j], at.Child("http", "paths").Index(j))...)
		}
	}
	for i, tls := range spec.TLS {
		for j, host := range tls.Hosts {
			errs = append(errs, checkHost(host, at.Child("tls").Index(i).Child("hosts").Index(j))...)
		}
	}
	return errs
}

func checkPath(p *networkingv1.HTTPIngressPath, at *field.Path) field.ErrorList {
	errs := checkBackend(&p.Backend, at.Child("backend"))
	types := []networkingv1.PathType{networkingv1.PathTypeExact, networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific}
	switch {
	case p.PathType == nil:
		return append(errs, field.Required(at.Child("pathType"), "Exact, Prefix or ImplementationSpecific"))
	case *p.PathType == networkingv1.PathTypeImplementationSpecific:
		if p.Path == "" || strings.HasPrefix(p.Path, "/") {
			return errs
		}
	case *p.PathType == networkingv1.PathTypeExact, *p.PathType == networkingv1.PathTypePrefix:
		if strings.HasPrefix(p.Path, "/") {
			return errs
		}
	default:
		return append(errs, field.NotSupported(at.Child("pathType"), *p.PathType, types))
	}
	return append(errs, field.Invalid(at.Child("path"), p.Path, "must be an absolute path"))
}

func checkBackend(b *networkingv1.IngressBackend, at *field.Path) field.ErrorList {
	switch {
	case b.Resource != nil && b.Service != nil:
		return field.ErrorList{field.Invalid(at, "", "either service or resource, not both")}
	case b.Resource != nil:
		return nil
	case b.Service == nil:
		return field.ErrorList{field.Required(at, "a service")}
	}
	var errs field.ErrorList
	if b.Service.Name == "" {
		errs = append(errs, field.Required(at.Child("service", "name"), ""))
	}
	port, at := b.Service.Port, at.Child("service", "port")
	switch {
	case (port.Name == "") == (port.Number == 0):
		errs = append(errs, field.Required(at, "either name or number"))
	case port.Name == "":
		errs = append(errs, checkPort(port.Number, at.Child("number"))...)
	}
	return errs
}

func checkHost(host string, at *field.Path) field.ErrorList {
	var wrong []string
	switch _, err := netip.ParseAddr(host); {
	case host == "":
	case err == nil:
		wrong = []string{"must be a DNS name, not an IP address"}
	case strings.Contains(host, "*"):
		wrong = validation.IsWildcardDNS1123Subdomain(host)
	default:
		wrong = validation.IsDNS1123Subdomain(host)
	}
	var errs field.ErrorList
	for _, w := range wrong {
		errs = append(errs, field.Invalid(at, host, w))
	}
	return errs
}

func checkPort(number int32, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, w := range validation.IsValidPortNum(int(number)) {
		errs = append(errs, field.Invalid(at, number, w))
	}
	return errs
}

func checkService(spec *corev1.ServiceSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.Type == "" {
		spec.Type = corev1.ServiceTypeClusterIP
	}
	if len(spec.Ports) == 0 && spec.Type != corev1.ServiceTypeExternalName && spec.ClusterIP != corev1.ClusterIPNone {
		errs = append(errs, field.Required(at.Child("ports"), ""))
	}
	seen := map[string]bool{}
	for i := range spec.Ports {
		port, at := &spec.Ports[i], at.Child("ports").Index(i)
		errs = append(errs, checkPort(port.Port, at.Child("port"))...)
		if port.Protocol == "" {
			port.Protocol = corev1.ProtocolTCP
		}
		switch {
		case port.Name == "" && len(spec.Ports) > 1:
			errs = append(errs, field.Required(at.Child("name"), "a Service with several ports must name them"))
		case port.Name != "" && seen[port.Name]:
			errs = append(errs, field.Duplicate(at.Child("name"), port.Name))
		}
		seen[port.Name] = true
	}
	return errs
}

func checkEndpointSlice(s *discoveryv1.EndpointSlice) field.ErrorList {
	var errs field.ErrorList
	if s.Labels[discoveryv1.LabelServiceName] == "" {
		errs = append(errs, field.Required(field.NewPath("metadata", "labels").Key(discoveryv1.LabelServiceName), "the name of the Service that these endpoints belong to"))
	}
	switch s.AddressType {
	case discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6, discoveryv1.AddressTypeFQDN:
	case "":
		errs = append(errs, field.Required(field.NewPath("addressType"), "IPv4 or IPv6"))
	default:
		errs = append(errs, field.NotSupported(field.NewPath("addressType"), s.AddressType, []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6}))
	}
	for i, endpoint := range s.Endpoints {
		at := field.NewPath("endpoints").Index(i).Child("addresses")
		if len(endpoint.Addresses) == 0 {
			errs = append(errs, field.Required(at, "at least one"))
		}
		for j, address := range endpoint.Addresses {
			if err := checkAddress(s.AddressType, address); err != nil {
				errs = append(errs, field.Invalid(at.Index(j), address, err.Error()))
			}
		}
	}
	for i := range s.Ports {
		port, at := &s.Ports[i], field.NewPath("ports").Index(i)
		if port.Name == nil {
			port.Name = new(string)
		}
		if port.Protocol == nil {
			tcp := corev1.ProtocolTCP
			port.Protocol = &tcp
		}
		if port.Port != nil {
			errs = append(errs, checkPort(*port.Port, at.Child("port"))...)
		}
	}
	return errs
}

// checkAddress says what is wrong with an endpoint's address in a slice of the given type.
func checkAddress(t discoveryv1.AddressType, address string) error {
	ip, err := netip.ParseAddr(address)
	switch {
	case t == discoveryv1.AddressTypeFQDN:
		return nil
	case err != nil:
		return fmt.Errorf("not an IP address")
	case (t == discoveryv1.AddressTypeIPv4) != ip.Is4():
		return fmt.Errorf("not an %s address", t)
	}
	return nil
}
