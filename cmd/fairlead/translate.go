package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fairlead/fairlead/controllers/translate"
)

// translateFlags say how objects are read.
type translateFlags struct {
	options            translate.Options
	defaultCertificate objectName
	defaultBackend     objectName
}

func (f *translateFlags) add(flags *pflag.FlagSet) {
	o := &f.options
	flags.StringVar(&o.ControllerName, "controller-name", translate.DefaultControllerName, "spec.controller of the IngressClasses to serve (`name`)")
	flags.StringVar(&o.ClassName, "ingress-class", "", "`name` of a class to serve even if no IngressClass of that name exists or may be read")
	flags.BoolVar(&o.WithoutClass, "watch-ingress-without-class", false, "serve Ingresses that name no class though ours is not the default one")
	flags.Var(&f.defaultCertificate, "default-certificate", "Secret of type kubernetes.io/tls for hosts without a certificate of their own")
	flags.Var(&f.defaultBackend, "default-backend-service", "Service whose first port answers what no route matches; empty: 404")
	flags.BoolVar(&o.NoExternalNames, "disable-external-names", false, "refuse Services of type ExternalName, whose names may lead anywhere")
	flags.BoolVar(&o.NginxDefaults, "ingress-nginx-defaults", false, "give Ingresses the defaults of ingress-nginx where Fairlead's differ on purpose")
	flags.StringSliceVar(&o.ResponseHeaders, "allowed-response-headers", nil, "`names` of headers that the annotation custom-headers may set on answers")
	flags.StringVar(&o.Zone, "zone", "", "`zone` of this replica, for the hints in EndpointSlices; empty: that of its Node, if it is known")
	alias(flags, map[string]string{ // the names of ingress-nginx
		"controller-class":          "controller-name",
		"default-ssl-certificate":   "default-certificate",
		"disable-svc-external-name": "disable-external-names",
		"election-id":               "leader-election-id",
	})
}

// complete returns the options if the flags make sense together.
func (f *translateFlags) complete() (translate.Options, error) {
	o := f.options
	if o.ControllerName == "" {
		return o, errors.New("--controller-name must not be empty")
	}
	if o.ClassName != "" {
		for _, wrong := range validation.IsDNS1123Subdomain(o.ClassName) {
			return o, fmt.Errorf("--ingress-class %q: %s", o.ClassName, wrong)
		}
	}
	o.DefaultCertificate, o.DefaultBackend = types.NamespacedName(f.defaultCertificate), types.NamespacedName(f.defaultBackend)
	return o, nil
}
