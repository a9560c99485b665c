package nginx

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// secretKind says what a Secret holds.
type secretKind uint8

const (
	secretTLS   secretKind = iota // a certificate and its key
	secretUsers                   // the lines of an htpasswd file
	secretCA                      // certificates of authorities
)

// secret makes a Secret of files, or the command that does, and returns its name. Keys are put into
// manifests only when somebody asked for it.
func (m *migration) secret(kind secretKind, name, file, key string) string {
	name += map[secretKind]string{secretTLS: "-tls", secretUsers: "", secretCA: "-ca"}[kind]
	if made, done := m.secretNames[file+"\n"+key]; done {
		return made
	}
	name = m.names.unique(name)
	m.secretNames[file+"\n"+key] = name
	s := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: m.meta(name),
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{},
	}
	var ok bool
	switch kind {
	case secretTLS:
		s.Type = corev1.SecretTypeTLS
		ok = m.fill(s, "tls.crt", file) && m.fill(s, "tls.key", key)
	case secretUsers:
		ok = m.fill(s, "auth", file)
	case secretCA:
		ok = m.fill(s, "ca.crt", file) && (key == "" || m.fill(s, "ca.crl", key))
	}
	if ok {
		m.objects = append(m.objects, Object{"Secret", name, s})
		return name
	}
	namespace := ""
	if m.options.Namespace != "" {
		namespace = " --namespace " + m.options.Namespace
	}
	switch kind {
	case secretTLS:
		m.run("kubectl create secret tls %s --cert=%s --key=%s%s", name, shell(file), shell(key), namespace)
	case secretUsers:
		m.run("kubectl create secret generic %s --from-file=auth=%s%s", name, shell(file), namespace)
	case secretCA:
		revoked := ""
		if key != "" {
			revoked = " --from-file=ca.crl=" + shell(key)
		}
		m.run("kubectl create secret generic %s --from-file=ca.crt=%s%s%s", name, shell(file), revoked, namespace)
	}
	return name
}

// fill reads a file into a Secret; false when it can't be had.
func (m *migration) fill(s *corev1.Secret, field, file string) bool {
	if m.options.Read == nil {
		return false
	}
	content, err := m.options.Read(file)
	s.Data[field] = content
	return err == nil
}

// shell quotes an argument for a command line.
func shell(arg string) string {
	if arg != "" && !strings.ContainsFunc(arg, func(r rune) bool {
		return !strings.ContainsRune("/._-+@:,=", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
