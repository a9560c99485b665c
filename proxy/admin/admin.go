package admin

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/proxy/observe"
)

// Source is where the answers come from. Every field must be set; all may be used at the same time.
type Source struct {
	// Ready returns nil when the replica wants new connections, otherwise why it does not.
	Ready func() error
	// Routes returns the published table as a value for encoding/json, RoutesText the same for a
	// terminal.
	Routes     func() any
	RoutesText func() string
	// Sessions lists the live sessions.
	Sessions iter.Seq[observe.Live]
	// Metrics serves /metrics.
	Metrics http.Handler
}

//go:embed index.html
var index []byte

// Handler returns the handler of the admin address:
//
//	GET /          what there is
//	GET /healthz   200 while the process serves at all
//	GET /readyz    200, or 503 with the reason
//	GET /metrics   for Prometheus
//	GET /routes    the published table; JSON, or text by Accept or ?format=
//	GET /sessions  the live sessions; ?route= ?endpoint= ?limit=
//
// A value of a query parameter that can't be read is answered 400, a method other than GET or HEAD
// 405 (RFC 9110 sections 15.5.1 and 15.5.6).
func Handler(src Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := src.Ready(); err != nil {
			writeText(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		writeText(w, http.StatusOK, "ok\n")
	})
	mux.Handle("GET /metrics", src.Metrics)
	mux.HandleFunc("GET /routes", src.routes)
	mux.HandleFunc("GET /sessions", src.sessions)
	return mux
}

func (src Source) routes(w http.ResponseWriter, r *http.Request) {
	query, err := parameters(r, "format")
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	format := query.Get("format")
	if format == "" {
		format = preferred(r.Header.Values("Accept"))
	}
	switch format {
	case "text":
		writeText(w, http.StatusOK, src.RoutesText())
	case "json":
		w.Header().Set("Content-Type", "application/json")
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		_ = out.Encode(src.Routes()) // an error is the reader's: it left
	default:
		writeText(w, http.StatusBadRequest, fmt.Sprintf("parameter format: %q is not known; use json or text\n", format))
	}
}

// preferred returns the format of the first media type in Accept that there is one for. Weights
// (RFC 9110 section 12.5.1) are not looked at: who lists both can read both.
func preferred(accept []string) string {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		switch media, _, _ := mime.ParseMediaType(part); media {
		case "text/plain":
			return "text"
		case "application/json":
			return "json"
		}
	}
	return "json"
}

// parameters returns the request's query. Its error names a parameter that is not known, or that is
// given twice: silently taking one of them would answer another question.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("parameter %s: not known; there is %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("parameter %s: given %d times; give it once", name, len(values))
		}
	}
	return query, nil
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
