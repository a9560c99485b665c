package annotations

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/annotations.md and the verdicts anew")

const docsFile = "../../docs/annotations.md"

const intro = `# Annotations on Ingress

<!-- Generated from the table in controllers/annotations: go test ./controllers/annotations -run Docs -update -->

An Ingress says by annotations what a WebSocketRoute says in its ` + "`policy`" + `, and everything that it said to ingress-nginx.
The nearer word counts: what is built in is weakest, then come the [parameters of the IngressClass](#parameters-of-an-ingressclass),
` + "`nginx.ingress.kubernetes.io/`" + ` and ` + "`fairlead.dev/`" + `.

| you want to | go to |
|---|---|
| move from ingress-nginx | [the verdicts](#coming-from-ingress-nginx), then [each annotation](#nginxingresskubernetesio) |
| say something new | [fairlead.dev/](#fairleaddev) |
| set defaults for many Ingresses | [parameters of an IngressClass](#parameters-of-an-ingressclass) |
| know what an Event means | the next lines |

**What owners are told.** A value that can't be read is ignored, as if the annotation were not there, and the owner is told in an
Event: ` + "`InvalidAnnotation`" + ` (can't be read, or not as its writer believes), ` + "`UnsupportedAnnotation`" + ` (known, and not served, or served
otherwise), ` + "`UnknownAnnotation`" + ` (no such name under our prefix), ` + "`AnnotationClash`" + ` (both prefixes say different things; ours
counts). ` + "`fairlead check -f DIR`" + ` tells the same before anything is applied.

**Guards** (&#128274;) are different: to ignore one that can't be read would open what it guards. The paths are answered with 503 until it is
corrected, or until another annotation for the same thing can be read. An empty value under ingress-nginx's prefix
is no value, as charts write it for what nobody has set: it is told and has no effect.

**Live sessions** keep what they began with: a change counts for new ones. Only ` + "`canary`" + ` takes routes away: the sessions of an
Ingress that becomes a canary are closed as those of a deleted one.

The ` + "`pathType`" + ` ImplementationSpecific is Prefix here, element by element, unless ` + "`use-regex`" + ` or ` + "`rewrite-target`" + ` makes the paths of
the host regular expressions. (ingress-nginx compares such a path letter by letter: there, /chat takes /chats too.)
`

const snippetText = `
### Snippets

` + "`configuration-snippet`, `server-snippet`, `auth-snippet` and `stream-snippet`" + ` are nginx's own language. They are not executed. They are read, and the owner
is told which directives are needless here (the usual ones for WebSockets: the headers Upgrade and Connection, HTTP/1.1, no cache and
no buffers), which annotation to write instead of which directive, with its value where it is a time, and which have no counterpart.
Directives that keep clients out (` + "`allow`, `deny`, `auth_request`" + ` …) are named apart: nobody is kept out by them here.
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
	b.WriteString("\n## fairlead.dev/\n\nDurations have a unit: `1h30m`, `500ms`. `0s` and `off` turn a bound off. A bare number is refused. Lists are separated by commas.\n")
	for heading, rows := range groups(OurPrefix) {
		fmt.Fprintf(&b, "\n### %s\n\n| annotation | value | without it | example | what it does |\n|---|---|---|---|---|\n", heading)
		for _, r := range rows {
			fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s | %s |\n", r.Name, lock(r), r.Type, r.Default, code(r.Example), r.Doc)
		}
	}
	b.WriteString("\n## nginx.ingress.kubernetes.io/\n\nUnits and meanings are those of ingress-nginx: seconds are bare numbers. A unit is understood and told, because ingress-nginx\nwould silently have used its own default.\n")
	for heading, rows := range groups(NginxPrefix) {
		fmt.Fprintf(&b, "\n### ingress-nginx: %s\n\n| annotation | value | without it | example | what it does | how it differs |\n|---|---|---|---|---|---|\n", strings.ToLower(heading[:1])+heading[1:])
		for _, r := range rows {
			fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s | %s | %s |\n", r.Name, lock(r), r.Type, r.Default, code(r.Example), r.Doc, r.Differs)
		}
	}
	b.WriteString(snippetText)
	for _, s := range []struct {
		support Support
		title   string
	}{
		{Unsupported, "Ignored, and told"},
		{Phantom, "Never existed, or belong to another controller"},
	} {
		fmt.Fprintf(&b, "\n### %s\n\n| annotation | what to do |\n|---|---|\n", s.title)
		for _, r := range Rows() {
			if r.Support == s.support && r.judge == nil {
				fmt.Fprintf(&b, "| `%s` | %s |\n", r.Key(), capital(r.Doc))
			}
		}
	}
	writeVerdicts(&b)
	writeParameters(&b)
	return b.String()
}

// groups yields the headings of a prefix in the order of the table, with their rows that count.
func groups(prefix string) func(yield func(string, []Row) bool) {
	var headings []string
	rows := map[string][]Row{}
	for _, r := range Rows() {
		if r.Prefix != prefix || r.Support != Served && r.Support != Needless {
			continue
		}
		if !slices.Contains(headings, r.Group) {
			headings = append(headings, r.Group)
		}
		rows[r.Group] = append(rows[r.Group], r)
	}
	return func(yield func(string, []Row) bool) {
		for _, heading := range headings {
			if !yield(heading, rows[heading]) {
				return
			}
		}
	}
}

func writeVerdicts(b *strings.Builder) {
	b.WriteString("\n## Coming from ingress-nginx\n\nEvery annotation that Fairlead knows of ingress-nginx, by verdict. How those that differ do so is said above.\n")
	for _, v := range []struct {
		verdict Verdict
		means   string
	}{
		{Exact, "does here what it does there"},
		{Differs, "counts, and something is different"},
		{Refused, "is ignored, and the owner is told"},
	} {
		names := verdicts()[v.verdict]
		fmt.Fprintf(b, "\n**%s** (%d): %s. `%s`\n", v.verdict, len(names), v.means, strings.Join(names, "`, `"))
	}
}

func writeParameters(b *strings.Builder) {
	b.WriteString("\n## Parameters of an IngressClass\n\n" +
		"`spec.parameters` of an IngressClass may name a ConfigMap (scope Namespace). Its keys are names of annotations without prefix; where\n" +
		"both prefixes have a name, ours is meant. They are the defaults of all Ingresses of the class. The ConfigMap of ingress-nginx can be named\n" +
		"as it is: what is no matter of a class is told, with the flag that it is instead. While the ConfigMap is missing, what\n" +
		"is built in counts, and the log says so: a guard that must never be missing belongs to the objects themselves.\n\n" +
		"```yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: fairlead-defaults, namespace: fairlead-system}\ndata:\n  idle-timeout: 2h\n  sessions-per-client: \"50\"\n  ssl-protocols: TLSv1.3\n```\n\n" +
		"`--ingress-nginx-defaults` sets the defaults of ingress-nginx where Fairlead's differ on purpose: 60 s for `proxy-read-timeout`, 1m for\n`proxy-body-size`, `proxy-ssl-server-name: off` and a `proxy-ssl-verify-depth` of 1. The parameters of a class count before them.\n\n" +
		"These keys are no annotations:\n\n| key | value | without it | what it does |\n|---|---|---|---|\n")
	for _, r := range parameterRows {
		fmt.Fprintf(b, "| `%s`%s | %s | %s | %s |\n", r.Name, lock(r), r.Type, r.Default, r.Doc)
	}
	b.WriteString("| `global-auth-…` | as `auth-…` | | As the annotation `auth-…`; an Ingress with `enable-global-auth: \"false\"` has none of it. |\n")
	var objects []string
	for _, r := range Rows() {
		if r.PerObject && !slices.Contains(objects, r.Name) {
			objects = append(objects, r.Name)
		}
	}
	slices.Sort(objects)
	fmt.Fprintf(b, "\nThese annotations would mean the same for all objects, and are told as a parameter: `%s`.\n", strings.Join(objects, "`, `"))
}

// lock marks a guard.
func lock(r Row) string {
	if r.Guards {
		return " &#128274;"
	}
	return ""
}

// code keeps an example, if there is one, from being read as Markdown.
func code(example string) string {
	if example == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(example, "|", `\|`) + "`"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
