package annotations

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/annotations.md anew")

const docsFile = "../../docs/annotations.md"

const intro = `# Annotations on Ingress

<!-- Generated from the table in controllers/annotations: go test ./controllers/annotations -run Docs -update -->

An Ingress says by annotations what a WebSocketRoute says in its ` + "`policy`" + `. The built-in default is weakest; then comes
` + "`nginx.ingress.kubernetes.io/`" + `, then ` + "`fairlead.dev/`" + `.

A value that can't be read is ignored, as if the annotation were not there, and the owner is told in an Event:
` + "`InvalidAnnotation`" + ` (can't be read, or not as its writer believes), ` + "`UnsupportedAnnotation`" + ` (known, and not served),
` + "`UnknownAnnotation`" + ` (no such name under our prefix), ` + "`AnnotationClash`" + ` (both prefixes say different things; ours counts).

Changes count for new sessions: open ones stay as they are. ` + "`canary`" + ` alone takes an Ingress, and so its sessions, out of service.

The ` + "`pathType`" + ` ImplementationSpecific is Prefix here, element by element, unless ` + "`use-regex`" + ` or ` + "`rewrite-target`" + ` makes the paths of
the host regular expressions. (ingress-nginx compares such a path letter by letter: there, /chat takes /chats too.)
`

// The page that users read and the table that the controller reads are the same.
func TestDocsAreCurrent(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsFile)
	if err != nil || string(got) != want {
		t.Errorf("docs/annotations.md is not what the table says (%v): go test ./controllers/annotations -run Docs -update", err)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("\n## fairlead.dev/\n\nDurations have a unit: `1h30m`, `500ms`. `0s` and `off` turn a bound off. A bare number is refused.\n")
	servedTable(&b, OurPrefix)
	b.WriteString("\n## nginx.ingress.kubernetes.io/\n\nUnits and meanings are those of ingress-nginx: seconds are bare numbers. A unit is understood and told, because ingress-nginx\nwould silently have used its own default.\n")
	servedTable(&b, NginxPrefix)
	for _, s := range []struct {
		support Support
		title   string
	}{
		{Needless, "Known and needless\n\nFairlead always behaves as if these were set well. Nobody is told."},
		{Unsupported, "Ignored, and told"},
		{Phantom, "Never existed, or belong to another controller"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| annotation | what to do |\n|---|---|\n", s.title)
		for _, r := range Rows() {
			if r.Support == s.support {
				fmt.Fprintf(&b, "| `%s` | %s |\n", r.Key(), capital(r.Doc))
			}
		}
	}
	return b.String()
}

func servedTable(b *strings.Builder, prefix string) {
	b.WriteString("\n| annotation | value | without it | example | what it does |\n|---|---|---|---|---|\n")
	for _, r := range Rows() {
		if r.Prefix == prefix && r.Support == Served {
			fmt.Fprintf(b, "| `%s` | %s | %s | `%s` | %s |\n", r.Name, r.Type, r.Default, r.Example, r.Doc)
		}
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
