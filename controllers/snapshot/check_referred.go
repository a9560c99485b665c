package snapshot

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
)

// checkSecret merges stringData into data, where its keys win, and wants the keys that the type asks
// for: any key of a list will do.
func checkSecret(s *corev1.Secret) field.ErrorList {
	if s.Type == "" {
		s.Type = corev1.SecretTypeOpaque
	}
	for key, value := range s.StringData {
		if s.Data == nil {
			s.Data = map[string][]byte{}
		}
		s.Data[key] = []byte(value)
	}
	s.StringData = nil
	at := field.NewPath("data")
	errs := checkKeys(s.Data, at)
	for _, anyOf := range map[corev1.SecretType][][]string{
		corev1.SecretTypeTLS:              {{corev1.TLSCertKey}, {corev1.TLSPrivateKeyKey}},
		corev1.SecretTypeBasicAuth:        {{corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey}},
		corev1.SecretTypeSSHAuth:          {{corev1.SSHAuthPrivateKey}},
		corev1.SecretTypeDockerConfigJson: {{corev1.DockerConfigJsonKey}},
		corev1.SecretTypeDockercfg:        {{corev1.DockerConfigKey}},
	}[s.Type] {
		if !slices.ContainsFunc(anyOf, func(key string) bool { _, ok := s.Data[key]; return ok }) {
			errs = append(errs, field.Required(at.Key(anyOf[0]), ""))
		}
	}
	return errs
}

func checkConfigMap(c *corev1.ConfigMap) field.ErrorList {
	errs := append(checkKeys(c.Data, field.NewPath("data")), checkKeys(c.BinaryData, field.NewPath("binaryData"))...)
	for _, key := range slices.Sorted(maps.Keys(c.BinaryData)) {
		if _, twice := c.Data[key]; twice {
			errs = append(errs, field.Duplicate(field.NewPath("binaryData").Key(key), "in data too"))
		}
	}
	return errs
}

func checkKeys[V any](data map[string]V, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, key := range slices.Sorted(maps.Keys(data)) {
		for _, wrong := range validation.IsConfigMapKey(key) {
			errs = append(errs, field.Invalid(at.Key(key), key, wrong))
		}
	}
	return errs
}

// checkGrant wants what the schema of the Gateway API wants.
func checkGrant(spec *gatewayv1beta1.ReferenceGrantSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(spec.From) == 0 {
		errs = append(errs, field.Required(at.Child("from"), "at least one"))
	}
	if len(spec.To) == 0 {
		errs = append(errs, field.Required(at.Child("to"), "at least one"))
	}
	for i, from := range spec.From {
		if from.Kind == "" {
			errs = append(errs, field.Required(at.Child("from").Index(i).Child("kind"), ""))
		}
		if from.Namespace == "" {
			errs = append(errs, field.Required(at.Child("from").Index(i).Child("namespace"), ""))
		}
	}
	for i, to := range spec.To {
		if to.Kind == "" {
			errs = append(errs, field.Required(at.Child("to").Index(i).Child("kind"), ""))
		}
	}
	return errs
}
