package table

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// steps is what may be looked at on the event loops.
const steps = 250_000

func TestWhatExpressionsMayTakeIsKnown(t *testing.T) {
	huge := strings.Repeat("(a{0,900}b?)", 20)
	long := strings.Repeat("a", 7000)
	table := compile(t, routes(
		"*any /h h:X-A~"+huge, "*any /q q:v~"+huge, "*any /s s:a,b,c", "*any /e h:X-B=1",
		"big.example.com ~/"+huge, "*.example.com ~/x", "small.example.com ~/chat/(.*)",
	), nil)
	for request, want := range map[*http.Request]bool{
		asksFor("h", "/"):                                    false,
		asksFor("h", "/"+long):                               false,
		asksFor("h", "/", "X-A: a"):                          false,
		asksFor("h", "/", "X-A: "+long[:10]):                 true,
		asksFor("h", "/", "X-A: aaaa", "X-A: aaaa"):          true,
		asksFor("h", "/", "X-B: "+long):                      false,
		asksFor("h", "/?v="+long[:10]):                       true,
		asksFor("h", "/", "Sec-Websocket-Protocol: "+long):   false,
		asksFor("small.example.com", "/chat/x"):              false,
		asksFor("small.example.com", "/chat/"+long[:1000]):   false,
		asksFor("small.example.com", "/", "X-A: "+long[:10]): true, // it hands on
		asksFor("big.example.com", "/a"):                     false,
		asksFor("big.example.com:80", "/"+long[:10]):         true,
		asksFor("other.example.com", "/"+long[:10]):          false,
		asksFor("small.example.com", "/chat/"+long+long):     true,
	} {
		if got := table.Heavy(request, steps); got != want {
			t.Errorf("%s %.20s %.40v: %v", request.Host, request.URL, request.Header, got)
		}
	}
	cfg := routes("*any /")
	cfg.Backends = []model.Backend{{Key: "prod/next:80"}}
	cfg.Routes[0].Canary = &model.Canary{Backend: model.BackendRef{Backend: "prod/next:80"}, Header: "x-c", HeaderPattern: huge}
	if table := compile(t, cfg, nil); !table.Heavy(asksFor("h", "/", "X-C: "+long[:10]), steps) {
		t.Error("the pattern of a canary counts for nothing")
	}
}

// What is not heavy is over at once, whatever the expressions are like.
func TestWhatIsNotHeavyTakesNoTime(t *testing.T) {
	many := func(n int, format string) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf(format, i))
		}
		return lines
	}
	for _, lines := range [][]string{
		{"h ~/" + strings.Repeat("(a{0,900}b?)", 4) + "c"}, {"h ~/(a{0,500}b?){2}c"}, {"h ~/(.*)(.*)(.*)(.*)(.*)c"},
		many(200, "h ~/.*/app%d"), many(1000, "h ~(?i)/app%d(/|$)(.*)"),
		many(200, "h / h:X-A~.*(a|b)%d.*x"), many(500, "h / s:chat%d"),
	} {
		table := compile(t, routes(lines...), nil)
		size, least := 1, time.Duration(0)
		for next := size; next < 8000; next += next/8 + 1 {
			r := asksFor("h", "/"+strings.Repeat("a", next), "X-A: "+strings.Repeat("a", next), "Sec-Websocket-Protocol: "+strings.Repeat(",", next))
			if table.Heavy(r, steps) {
				break
			}
			size, least = next, time.Hour
			for range 5 {
				began := time.Now()
				table.Match(r)
				least = min(least, time.Since(began))
			}
		}
		t.Logf("%.40s and %d more: up to %d bytes, %v", lines[0], len(lines)-1, size, least)
		if least > 50*time.Millisecond { // mostly below 1, but not on every machine and under the race detector
			t.Errorf("%.40s: %d bytes take %v", lines[0], size, least)
		}
	}
}
