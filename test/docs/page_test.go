package docs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/docs"
)

const page = `Text.

<!-- run: cluster -->

~~~sh
kubectl get nodes
~~~
<!-- output -->
~~~text
NAME
…
~~~

1. In a list:

   ~~~yaml
   a:
     b: 1
   ~~~

A comment <!-- run: local --> that is not above the block.

~~~sh
rm -rf /
~~~
`

// fenced makes the fences of a page that is written in a Go string.
func fenced(text string) string { return strings.ReplaceAll(text, "~~~", "```") }

func parsed(t *testing.T, text string) docs.Page {
	t.Helper()
	page, err := docs.Parse("page.md", fenced(text))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestBlocksAreFoundWithWhatIsAboveThem(t *testing.T) {
	got := parsed(t, page).Blocks
	want := []docs.Block{
		{Line: 5, Language: "sh", Mark: docs.Mark{Kind: docs.Run, Text: docs.Cluster}, Text: "kubectl get nodes\n"},
		{Line: 9, Language: "text", Mark: docs.Mark{Kind: docs.Output}, Text: "NAME\n…\n"},
		{Line: 16, Language: "yaml", Text: "a:\n  b: 1\n"},
		{Line: 23, Language: "sh", Text: "rm -rf /\n"},
	}
	for i := range want {
		want[i].Path = "page.md"
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestABlockWithoutAnEndIsAMistake(t *testing.T) {
	_, err := docs.Parse("page.md", fenced("\n~~~sh\nls\n"))
	if err == nil || !strings.Contains(err.Error(), "page.md:2") {
		t.Errorf("got %v", err)
	}
}

func TestMarksMustSayEnough(t *testing.T) {
	for text, complaint := range map[string]string{
		"~~~sh\nls\n~~~":                                                             `marked ""`,
		"~~~\nls\n~~~":                                                               `a block of ""`,
		"~~~bash\nls\n~~~":                                                           `a block of "bash"`,
		"<!-- values: a -->\n~~~sh\nls\n~~~":                                         `marked "values"`,
		"<!-- run: somewhere -->\n~~~sh\n~~~":                                        `"somewhere" is neither`,
		"<!-- cloud-only: AWS -->\n~~~sh\n~~~":                                       "say what it needs",
		"<!-- cloud-only -->\n~~~sh\n~~~":                                            "say what it needs",
		"<!-- output -->\n~~~text\n~~~":                                              "does not run",
		"<!-- values: -->\n~~~yaml\n~~~":                                             "a name of their own",
		"<!-- file: ../x -->\n~~~yaml\n~~~":                                          "below dist/",
		"<!-- file: dist/../x -->\n~~~yaml\n~~~":                                     "below dist/",
		"<!-- run by: no-such-file -->\n~~~sh\nls\n~~~":                              "can't be read",
		"<!-- run by: .ci/run -->\n~~~sh\nmake coffee\n~~~":                          `no "make coffee"`,
		"<!-- cloud-only: an account -->\n~~~sh\n~~~\n<!-- output -->\n~~~text\n~~~": "does not run",
		"<!-- values: a -->\n~~~yaml\n~~~\n<!-- values: a -->\n~~~yaml\n~~~":         "a name of their own",
		"<!-- run: local -->\n~~~sh\n~~~\n<!-- output -->\n~~~text\n~~~":             "",
		"<!-- run by: .ci/run -->\n~~~sh\n# all of it:\nmake test  # with race\n~~~": "",
		"<!-- cloud-only: an account at a cloud -->\n~~~hcl\n~~~\n~~~text\na\n~~~":   "",
	} {
		wrong := docs.Check("../..", parsed(t, text))
		switch {
		case complaint == "" && len(wrong) > 0:
			t.Errorf("%s\nis right, but: %v", text, wrong)
		case complaint != "" && (len(wrong) != 1 || !strings.Contains(wrong[0].Error(), complaint)):
			t.Errorf("%s\ngot %v, want one with %q", text, wrong, complaint)
		}
	}
}

func TestOutputIsComparedWithWildcards(t *testing.T) {
	printed := "NAME    READY   AGE\nchat-a  1/1     3s\nchat-b  1/1     3s\n"
	for text, want := range map[string]bool{
		"NAME   READY AGE\nchat-a 1/1 3s\nchat-b 1/1 3s": true,
		"NAME   READY   AGE\n…":                          true,
		"NAME   READY   AGE\n…\nchat-b   1/1   …":        true,
		"…\nNAME   READY   AGE\nchat-…  1/1   …\n…":      true,
		"NAME   READY   AGE":                             false,
		"NAME   READY   AGE\nchat-…  1/1   …":            false,
		"NAME   READY   AGE\n…\nchat-b   0/1   …":        false,
		"chat-a": false,
	} {
		if got := docs.Matches(text, printed); got != want {
			t.Errorf("%v, want %v:\n%s", got, want, text)
		}
	}
}
