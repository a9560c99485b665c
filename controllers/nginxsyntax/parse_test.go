package nginxsyntax_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// folder is files by name.
type folder map[string]string

func (f folder) source() nginxsyntax.Source {
	return nginxsyntax.Source{
		Read: func(name string) ([]byte, error) {
			content, found := f[name]
			if !found {
				return nil, fs.ErrNotExist
			}
			return []byte(content), nil
		},
		Glob: func(pattern string) ([]string, error) {
			begin, end, _ := strings.Cut(pattern, "*")
			var found []string
			for name := range f {
				if strings.HasPrefix(name, begin) && strings.HasSuffix(name, end) {
					found = append(found, name)
				}
			}
			slices.Sort(found)
			return found, nil
		},
	}
}

func parse(t *testing.T, content string) []*nginxsyntax.Directive {
	t.Helper()
	config, err := nginxsyntax.Parse("nginx.conf", []byte(content), nginxsyntax.Source{})
	if err != nil {
		t.Fatal(err)
	}
	return config.Directives
}

// shown writes directives as "name[arg|arg]{…}", with the lines where they begin.
func shown(list []*nginxsyntax.Directive) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%d:%s[%s]", d.Line, d.Name, strings.Join(d.Args, "|"))
		if d.Code != "" {
			fmt.Fprintf(&b, "<%s>", d.Code)
		}
		if d.Block != nil {
			fmt.Fprintf(&b, "{%s}", shown(d.Block))
		}
	}
	return b.String()
}

func TestWordsAsNginxReadsThem(t *testing.T) {
	for content, want := range map[string]string{
		"a;":                                 "1:a[]",
		"a b  c\t d;":                        "1:a[b|c|d]",
		"# x {\na b; # y ;\nc d;":            "2:a[b]3:c[d]",
		"a 'b c' \"d;e\" '';":                "1:a[b c|d;e|]",
		`a "b\"c" 'd\'e' f\"g \\.;`:          `1:a[b"c|d'e|f"g|\.]`,
		`a "x\ty\nz" \d+\.;`:                 "1:a[x\ty\nz|\\d+\\.]",
		`a b\ c\;d;`:                         `1:a[b\ c\;d]`,
		"a ${b}c $d${e};":                    "1:a[${b}c|$d${e}]",
		"a b'c'd;":                           "1:a[b'c'd]",
		"a `b c`;":                           "1:a[`b|c`]",
		"a b}c;":                             "1:a[b}c]",
		"a{b c;}d;":                          "1:a[]{1:b[c]}1:d[]",
		"a\n  b\n  {\n c\n d;\n }\n\n e;":    "1:a[b]{4:c[d]}8:e[]",
		"\ufeffa;":                           "1:a[]",
		"a;\r\nb;\r\n":                       "1:a[]2:b[]",
		"location ~ \"^/a{2}$\" { }":         "1:location[~|^/a{2}$]{}",
		"map $a $b { default 0; '' 1; }":     "1:map[$a|$b]{1:default[0]1:[1]}",
		"x_by_lua_block { a = {'}'} -- }\n}": "1:x_by_lua_block[]< a = {'}'} -- }\n>{}",
		"x_by_lua_block { a = [==[ } ]] ]==] --[[ }\n ]] }b;": "1:x_by_lua_block[]< a = [==[ } ]] ]==] --[[ }\n ]] >{}2:b[]",
		"": "",
	} {
		if got := shown(parse(t, content)); got != want {
			t.Errorf("%q\n got %s\nwant %s", content, got, want)
		}
	}
}

func TestMistakesNameFileAndLine(t *testing.T) {
	deep := strings.Repeat("a {\n", 150)
	for content, want := range map[string]string{
		"a;\nb {\n c;\n":             "nginx.conf:4: the file ends within the block of b, which line 2 opened",
		"a;\nb c":                    "nginx.conf:2: the file ends within the directive b c of line 2",
		"a;\n}\nb;":                  "nginx.conf:2: a } that closes nothing",
		"a {\n b }":                  "nginx.conf:2: a } within the directive b of line 2",
		"a;\n'b c;\nd;":              "nginx.conf:2: the quote ' has no end",
		"a \"b\"c;":                  "nginx.conf:1: after a closing quote",
		"a;\n;":                      "nginx.conf:2: a directive's name must stand before ;",
		"{":                          "nginx.conf:1: a directive's name must stand before {",
		"a;\nb\x00;":                 "nginx.conf:2: this is no text",
		"a;\n\n\xff\xfe;":            "nginx.conf:3: this is no text",
		"x_by_lua_block { [[ } ":     "nginx.conf:1: the block of Lua code has no end",
		deep:                         "nested more than",
		strings.Repeat("a;", 200001): "more than 200000 directives",
		strings.Repeat("#", nginxsyntax.MaxBytes+1): "more than 8 MiB",
		"include a b;": "nginx.conf:1: include wants one name",
	} {
		_, err := nginxsyntax.Parse("nginx.conf", []byte(content), nginxsyntax.Source{})
		var mistake *nginxsyntax.Error
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", content, err, want)
		}
	}
}

func TestIncludes(t *testing.T) {
	files := folder{
		"etc/conf.d/b.conf":      "b1;\nb2;",
		"etc/conf.d/a.conf":      "a1 { include snippets/deep.conf; }",
		"etc/snippets/deep.conf": "deep;",
		"/etc/nginx/here.conf":   "absolute;",
		"etc/copied.conf":        "copied;",
	}
	config, err := nginxsyntax.Parse("etc/nginx.conf", []byte("x;\ninclude conf.d/*.conf;\ninclude /etc/nginx/here.conf;\ninclude /etc/nginx/copied.conf;\ninclude gone.conf;\ninclude none/*.conf;"), files.source())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for d := range nginxsyntax.All(config.Directives) {
		got = append(got, d.At()+" "+d.Name)
	}
	want := []string{
		"etc/nginx.conf:1 x", "etc/conf.d/a.conf:1 a1", "etc/snippets/deep.conf:1 deep", "etc/conf.d/b.conf:1 b1", "etc/conf.d/b.conf:2 b2",
		"/etc/nginx/here.conf:1 absolute", "etc/copied.conf:1 copied",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if len(config.Missing) != 1 || config.Missing[0].Include.At() != "etc/nginx.conf:5" {
		t.Errorf("missing %+v", config.Missing)
	}
}

func TestFilesThatIncludeThemselves(t *testing.T) {
	files := folder{"a.conf": "x;\ninclude b.conf;", "b.conf": "include a.conf;"}
	_, err := nginxsyntax.Parse("a.conf", []byte(files["a.conf"]), files.source())
	if err == nil || err.Error() != "b.conf:1: include a.conf: the file includes itself" {
		t.Error(err)
	}
}

// A file that includes another one a thousand times over is stopped by the bound of all bytes, not by
// the memory of the machine.
func TestFilesThatIncludeMuch(t *testing.T) {
	files := folder{"big.conf": strings.Repeat("# nothing here\n", 10_000)}
	_, err := nginxsyntax.Parse("a.conf", []byte(strings.Repeat("include big.conf;\n", 1000)), files.source())
	if err == nil || !strings.Contains(err.Error(), "more than 8 MiB") {
		t.Error(err)
	}
}

func TestAFileThatCannotBeReadEndsIt(t *testing.T) {
	denied := nginxsyntax.Source{Read: func(string) ([]byte, error) { return nil, fs.ErrPermission }}
	_, err := nginxsyntax.Parse("a.conf", []byte("\ninclude b.conf;"), denied)
	if err == nil || !strings.Contains(err.Error(), "a.conf:2: include b.conf: permission denied") {
		t.Error(err)
	}
}
