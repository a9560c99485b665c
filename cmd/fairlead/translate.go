package main

import (
	"errors"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead/fairlead/controllers/translate"
)

// translateFlags say how objects are read.
type translateFlags struct {
	controllerName     string
	defaultCertificate objectName
}

func (f *translateFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.controllerName, "controller-name", translate.DefaultControllerName, "spec.controller of the IngressClasses to serve (`name`)")
	flags.Var(&f.defaultCertificate, "default-certificate", "Secret of type kubernetes.io/tls for hosts without a certificate of their own")
}

func (f *translateFlags) options() (translate.Options, error) {
	if f.controllerName == "" {
		return translate.Options{}, errors.New("--controller-name must not be empty")
	}
	return translate.Options{ControllerName: f.controllerName, DefaultCertificate: types.NamespacedName(f.defaultCertificate)}, nil
}
