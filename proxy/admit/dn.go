package admit

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// attributes are the short names of attribute types: those of RFC 2253 section 2.3 and others that
// OpenSSL, and so the endpoints of nginx, know by name.
var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode",
	"2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.46": "dnQualifier",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}

// distinguishedName writes a name in DER as RFC 2253 does, the last part first, in printable ASCII:
// it goes into a header.
func distinguishedName(der []byte) string {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &name); err != nil {
		return "" // x509 has read it, so it is none that this can happen to
	}
	var parts []string
	for _, rdn := range slices.Backward(name) {
		var values []string
		for _, attribute := range rdn {
			values = append(values, attributeText(attribute))
		}
		parts = append(parts, strings.Join(values, "+"))
	}
	return strings.Join(parts, ",")
}

func attributeText(a pkix.AttributeTypeAndValue) string {
	short, known := attributes[a.Type.String()]
	value, isText := a.Value.(string)
	if known && isText {
		return short + "=" + escapeValue(value)
	}
	der, err := asn1.Marshal(a.Value)
	if err != nil {
		return a.Type.String() + "="
	}
	return a.Type.String() + "=#" + strings.ToUpper(hex.EncodeToString(der))
}

// escapeValue escapes what separates parts (RFC 2253 section 2.4), and all bytes that are not
// printable ASCII.
func escapeValue(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		atEnd := i == 0 || i == len(s)-1
		switch {
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%02X`, c)
		case strings.IndexByte(`,+"\<>;`, c) >= 0, c == ' ' && atEnd, c == '#' && i == 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
