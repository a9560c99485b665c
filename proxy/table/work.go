package table

import (
	"maps"
	"net/http"
	"regexp"
	"regexp/syntax"
)

// work is what the expressions of a host may have to do for a request. RE2 takes time in proportion to
// the size of an expression and that of the text, and both may be large: "(a{0,900}b?)" twenty times
// over a kibibyte is 130 ms.
type work struct {
	// The instructions of all expressions that look at a value, or the names that are compared with it.
	path, query int
	headers     map[string]int // by canonical name
}

// add counts what a claim asks for.
func (w *work) add(c *candidate) {
	if c.re != nil {
		w.path += instructions(c.re)
	}
	if c.more != nil {
		for _, h := range c.more.headers {
			w.header(h.Name, instructions(h.re))
		}
		for _, p := range c.more.params {
			w.query += instructions(p.re)
		}
		w.header("Sec-Websocket-Protocol", 4*len(c.more.subprotocols)) // to compare names costs more
	}
}

func (w *work) header(name string, n int) {
	if n == 0 {
		return
	}
	if w.headers == nil {
		w.headers = map[string]int{}
	}
	w.headers[name] += n
}

// instructions returns the size of an expression's program; nil has none.
func instructions(re *regexp.Regexp) int {
	if re == nil {
		return 0
	}
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return 0 // it was compiled, so this can't be
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

// most makes w no less than other.
func (w *work) most(other *work) {
	w.path, w.query = max(w.path, other.path), max(w.query, other.query)
	for name, n := range other.headers {
		w.header(name, max(0, n-w.headers[name]))
	}
}

// plus adds other to w.
func (w *work) plus(other *work) {
	w.path += other.path
	w.query += other.query
	for name, n := range other.headers {
		w.header(name, n)
	}
}

// steps returns how many instructions may have to be looked at, one for each byte.
func (w *work) steps(r *http.Request) int {
	n := w.path*len(r.URL.Path) + w.query*len(r.URL.RawQuery)
	for name, each := range w.headers {
		if name == "Host" {
			n += each * len(r.Host)
		}
		for _, line := range r.Header[name] {
			n += each * len(line)
		}
	}
	return n
}

// compileWork finds the most that a request may cost, whatever its host.
func (h *hosts) compileWork() {
	var exact, wildcard work
	for p := range maps.Values(h.exact) {
		exact.most(&p.work)
	}
	for p := range maps.Values(h.wildcard) {
		wildcard.most(&p.work)
	}
	exact.plus(&wildcard)
	if h.any != nil {
		exact.plus(&h.any.work)
	}
	h.work = exact
}

// Heavy reports whether to match the request may take more than so many steps, of 1 to 10 ns each: too
// much where others wait.
func (t *Table) Heavy(r *http.Request, steps int) bool {
	if t.hosts.work.steps(r) <= steps {
		return false
	}
	n := 0
	for p := range t.hosts.of(hostname(r.Host)) {
		n += p.work.steps(r)
	}
	return n > steps
}
