package admit

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/proxy/model"
)

// edits are model.Headers without what can't be done.
type edits struct{ request, answer model.HeaderEdits }

func newEdits(h *model.Headers) (edits, error) {
	request, wrong := validEdits(&h.Request)
	answer, alsoWrong := validEdits(&h.Response)
	return edits{request, answer}, errors.Join(append(wrong, alsoWrong...)...)
}

// validEdits returns the edits in canonical form, and what is wrong with those that it leaves out.
func validEdits(e *model.HeaderEdits) (valid model.HeaderEdits, wrong []error) {
	for _, name := range e.Remove {
		if err := changeable(name); err != nil {
			wrong = append(wrong, err)
			continue
		}
		valid.Remove = append(valid.Remove, http.CanonicalHeaderKey(name))
	}
	fields := func(from []model.Field) (to []model.Field) {
		for _, f := range from {
			err := changeable(f.Name)
			if err == nil && !httpguts.ValidHeaderFieldValue(f.Value) {
				err = fmt.Errorf("the value of %s has characters that no header may have", f.Name)
			}
			if err != nil {
				wrong = append(wrong, err)
				continue
			}
			to = append(to, model.Field{Name: http.CanonicalHeaderKey(f.Name), Value: f.Value})
		}
		return to
	}
	valid.Set, valid.Add = fields(e.Set), fields(e.Add)
	return valid, wrong
}

// changeable refuses names that are none, and those that make the protocol work.
func changeable(name string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is no name of a header", name)
	}
	canonical := http.CanonicalHeaderKey(name)
	switch canonical {
	case "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Host",
		"Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Http2-Settings": // hop-by-hop, RFC 9110 section 7.6.1
		return fmt.Errorf("%s makes the protocol work and can't be changed", name)
	}
	if strings.HasPrefix(canonical, "Sec-Websocket-") {
		return fmt.Errorf("%s makes the protocol work and can't be changed", name)
	}
	return nil
}

// apply makes the edits.
func apply(e *model.HeaderEdits, header http.Header) {
	for _, name := range e.Remove {
		delete(header, name)
	}
	for _, f := range e.Set {
		header[f.Name] = []string{f.Value}
	}
	for _, f := range e.Add {
		header[f.Name] = append(slices.Clip(header[f.Name]), f.Value)
	}
}

// EditsRequest reports whether EditRequest changes anything.
func (s *Subject) EditsRequest() bool { return s.Told != nil || s.Policy.edits.request.Any() }

// EditRequest changes the header of a request on its way to the endpoint: first what the checks have
// to tell, then what the route wants. A client that writes the same names with underscores is not
// heard: many programs can't tell X_User from X-User.
func (s *Subject) EditRequest(header http.Header) {
	e := &s.Policy.edits.request
	only(header, s.Told, e)
	for name, values := range s.Told {
		if len(values) == 0 {
			delete(header, name)
		} else {
			header[name] = values
		}
	}
	apply(e, header)
}

// only removes the other spellings of names that are told, set or removed.
func only(header, told http.Header, e *model.HeaderEdits) {
	for name := range header {
		if !strings.Contains(name, "_") {
			continue
		}
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		_, ours := told[plain]
		_, same := told[name]
		if ours && !same || slices.Contains(e.Remove, plain) ||
			slices.ContainsFunc(e.Set, func(f model.Field) bool { return f.Name == plain }) {
			delete(header, name)
		}
	}
}

// Dress changes the header of an answer on its way to the client, whoever made it. The cookies of the
// Grant are not in it.
func (s *Subject) Dress(header http.Header) {
	apply(&s.Policy.edits.answer, header)
	if s.Policy.cors != nil && s.Upgrade == "" {
		s.Policy.cors.dress(s.Request, header)
	}
}

// printable returns a text without the characters that no header may have.
func printable(s string) string {
	if httpguts.ValidHeaderFieldValue(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
