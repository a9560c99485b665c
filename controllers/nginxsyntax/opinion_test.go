package nginxsyntax_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tufanbarisyildirim/gonginx/config"
	"github.com/tufanbarisyildirim/gonginx/parser"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// Another parser has the same opinion of what stands in the configurations of the tests, but for the
// ways of which the package comment speaks.
func TestAnotherParserReadsTheSame(t *testing.T) {
	files, err := filepath.Glob("../migrate/nginx/testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		if strings.Contains(text, "_by_lua_block") || strings.Contains(text, "include include/") {
			continue
		}
		mine, err := nginxsyntax.Parse(name, content, nginxsyntax.Source{})
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := parser.NewStringParser(text, parser.WithSkipValidDirectivesErr(), parser.WithSkipComments()).Parse()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same(t, name, mine.Directives, theirs.GetDirectives())
	}
}

func same(t *testing.T, name string, mine []*nginxsyntax.Directive, theirs []config.IDirective) {
	t.Helper()
	mine = slices.DeleteFunc(slices.Clone(mine), func(d *nginxsyntax.Directive) bool { return d.Name == "include" })
	theirs = slices.DeleteFunc(slices.Clone(theirs), func(d config.IDirective) bool { return d.GetName() == "include" })
	if len(mine) != len(theirs) {
		t.Errorf("%s: %d directives, and %d in the other opinion", name, len(mine), len(theirs))
		return
	}
	unquoted := strings.NewReplacer(`"`, "", `'`, "", `\`, "")
	text := func(name string, args []string) string {
		args = strings.Split(unquoted.Replace(strings.Join(args, "\x00")), "\x00")
		slices.Sort(args) // it puts the servers of an upstream block and their parameters into an order of its own
		return unquoted.Replace(name + " " + strings.Join(args, " "))
	}
	left := map[string]int{}
	for i := range mine {
		left[text(mine[i].Name, mine[i].Args)]++
		var args []string
		for _, p := range theirs[i].GetParameters() {
			args = append(args, p.GetValue())
		}
		if theirs[i].GetName() == "upstream" || theirs[i].GetName() == "location" || len(args) == 0 && len(mine[i].Args) > 0 {
			args = mine[i].Args // kept elsewhere
		}
		left[text(theirs[i].GetName(), args)]--
		if mine[i].Block != nil && theirs[i].GetBlock() != nil {
			same(t, name, mine[i].Block, theirs[i].GetBlock().GetDirectives())
		}
	}
	for directive, n := range left {
		if n != 0 {
			t.Errorf("%s: %s: only one of both has it", name, directive)
		}
	}
}

// Why that parser does not read for us: what it makes of some files.
func TestWhereTheOtherParserFallsShort(t *testing.T) {
	read := func(text string) []config.IDirective {
		c, err := parser.NewStringParser(text, parser.WithSkipValidDirectivesErr()).Parse()
		if err != nil {
			t.Fatal(err)
		}
		return c.GetDirectives()
	}
	if d := read("location / {\n a b;\n}\n")[0]; d.GetLine() == 1 {
		t.Error("it knows where blocks begin now")
	}
	if d := read("a;\n}\nb;\n"); len(d) != 1 {
		t.Error("it sees a brace too many now")
	}
	if d := read("a;\x00b;"); len(d) != 1 {
		t.Error("it sees what follows a NUL byte now")
	}
	if d := read(`a b\ c;`); len(d[0].GetParameters()) != 2 {
		t.Error("it reads an escaped space now")
	}
}
