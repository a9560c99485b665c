package admin

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/fairlead/fairlead/proxy/observe"
)

// defaultLimit is how many sessions are listed unless asked otherwise.
const defaultLimit = 1000

// session is one live session as /sessions shows it.
type session struct {
	ID         uint64         `json:"session"`
	Route      string         `json:"route"`
	Backend    string         `json:"backend"`
	Endpoint   netip.AddrPort `json:"endpoint"`
	Pod        string         `json:"pod,omitempty"`
	Client     netip.Addr     `json:"client"`
	Host       string         `json:"host"`
	Path       string         `json:"path"`
	Protocol   string         `json:"protocol"`
	TLS        bool           `json:"tls"`
	Start      time.Time      `json:"start"`
	AgeSeconds int64          `json:"ageSeconds"`
	ToEndpoint moved          `json:"toEndpoint"`
	ToClient   moved          `json:"toClient"`
}

// moved is model.Traffic as /sessions shows it.
type moved struct {
	Bytes    uint64 `json:"bytes"`
	Messages uint64 `json:"messages"`
}

// counts ends the answer: it says how much of the whole was listed.
type counts struct {
	Listed  int    `json:"listed"`
	Matched int    `json:"matched"`
	Total   int    `json:"total"`
	Note    string `json:"note,omitempty"`
}

// filter is the query of /sessions.
type filter struct {
	route    string         // "": any
	endpoint netip.AddrPort // invalid: any; port 0: any port of the address
	limit    int            // 0: none
}

func (src Source) sessions(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilter(r)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	// The list is taken first and written afterwards: a slow reader must not hold it up.
	list, sums := f.list(src.Sessions)
	w.Header().Set("Content-Type", "application/json")
	_ = writeSessions(w, list, sums) // an error is the reader's: it left
}

func parseFilter(r *http.Request) (filter, error) {
	query, err := parameters(r, "route", "endpoint", "limit")
	if err != nil {
		return filter{}, err
	}
	f := filter{route: query.Get("route"), limit: defaultLimit}
	if s := query.Get("endpoint"); s != "" {
		if f.endpoint, err = parseEndpoint(s); err != nil {
			return f, fmt.Errorf("parameter endpoint: %w", err)
		}
	}
	if s := query.Get("limit"); s != "" {
		if f.limit, err = strconv.Atoi(s); err != nil || f.limit < 0 {
			return f, fmt.Errorf("parameter limit: %q is not a number from 0 (no limit) up", s)
		}
	}
	return f, nil
}

// parseEndpoint reads an address with or without a port.
func parseEndpoint(s string) (netip.AddrPort, error) {
	if at, err := netip.ParseAddrPort(s); err == nil && at.Port() != 0 {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(addr.Unmap(), 0), nil
	}
	return netip.AddrPort{}, errors.New(strconv.Quote(s) + " is neither an address nor address:port")
}

func (f filter) match(l observe.Live) bool {
	if f.route != "" && f.route != l.Route {
		return false
	}
	if !f.endpoint.IsValid() {
		return true
	}
	return f.endpoint == l.Endpoint || f.endpoint.Port() == 0 && f.endpoint.Addr() == l.Endpoint.Addr()
}

// list returns the sessions that match, oldest first and no more than the limit.
func (f filter) list(sessions iter.Seq[observe.Live]) ([]observe.Live, counts) {
	var list []observe.Live
	var sums counts
	for l := range sessions {
		sums.Total++
		if f.match(l) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b observe.Live) int { return cmp.Compare(a.ID, b.ID) })
	sums.Matched = len(list)
	if f.limit > 0 && len(list) > f.limit {
		list = list[:f.limit]
		sums.Note = fmt.Sprintf("only the %d oldest of %d are listed; ask with limit=0 for all", f.limit, sums.Matched)
	}
	sums.Listed = len(list)
	return list, sums
}

// writeSessions writes one session at a time, so that a hundred thousand need no second copy.
func writeSessions(w io.Writer, list []observe.Live, sums counts) error {
	out := bufio.NewWriter(w)
	now := time.Now()
	_, _ = out.WriteString("{\"sessions\": [")
	for i, l := range list {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		row, err := json.Marshal(view(l, now))
		if err != nil {
			return fmt.Errorf("session %d: %w", l.ID, err)
		}
		_, _ = out.WriteString("\n  ")
		if _, err := out.Write(row); err != nil { // the first error of a bufio.Writer stays
			return err
		}
	}
	tail, err := json.Marshal(sums)
	if err != nil {
		return err
	}
	_, _ = out.WriteString("\n],\n")
	_, _ = out.Write(tail[1:]) // without its opening brace
	_ = out.WriteByte('\n')
	return out.Flush()
}

func view(l observe.Live, now time.Time) session {
	return session{
		ID: l.ID, Route: l.Route, Backend: l.Backend, Endpoint: l.Endpoint, Pod: l.EndpointName,
		Client: l.Client, Host: l.Host, Path: l.Path, Protocol: l.Protocol, TLS: l.TLS,
		Start: l.Start, AgeSeconds: int64(now.Sub(l.Start).Seconds()),
		ToEndpoint: moved(l.ToEndpoint), ToClient: moved(l.ToClient),
	}
}
