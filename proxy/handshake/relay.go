package handshake

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"

	"github.com/fairlead/fairlead/proxy/model"
)

// relayBuffer is the size in bytes of the pieces in which a relayed body travels.
const relayBuffer = 8 << 10

var relayBuffers = sync.Pool{New: func() any { return new([relayBuffer]byte) }}

// ErrBodyBroken is wrapped by errors of [Relay] that are the endpoint's fault; all others are the
// client's.
var ErrBodyBroken = errors.New("the endpoint broke off its answer")

// Relay writes an endpoint's answer other than 101 to w as it is: status, end-to-end headers plus
// extra, body, trailers. Every piece of the body is flushed, so that an answer that streams does.
// It does not close the body.
//
// After an error the client may hold half a body: the caller must not return normally from its
// handler, or the half would look whole, but panic with [http.ErrAbortHandler].
func Relay(w http.ResponseWriter, answer *http.Response, extra http.Header) error {
	header := w.Header()
	add(header, endToEnd(answer.Header))
	add(header, maps.All(extra))
	if answer.StatusCode == http.StatusUpgradeRequired && len(answer.Header["Upgrade"]) > 0 {
		// A 426 must name what to upgrade to (RFC 9110 section 15.5.22).
		header["Connection"] = []string{"Upgrade"}
		header["Upgrade"] = answer.Header["Upgrade"]
	}
	w.WriteHeader(answer.StatusCode)
	if answer.ContentLength != 0 {
		if err := flush(w); err != nil { // the head must not wait for a body that is slow to come
			return err
		}
	}
	if err := stream(w, answer.Body); err != nil {
		return err
	}
	for name, values := range answer.Trailer {
		header[http.TrailerPrefix+name] = values
	}
	return nil
}

// stream copies body to w and flushes each piece.
func stream(w http.ResponseWriter, body io.Reader) error {
	buffer := relayBuffers.Get().(*[relayBuffer]byte)
	defer relayBuffers.Put(buffer)
	for {
		n, err := body.Read(buffer[:])
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return fmt.Errorf("relay: write the answer's body to the client: %w", err)
			}
			if err := flush(w); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("relay: %w: %w", ErrBodyBroken, err)
		}
	}
}

func flush(w http.ResponseWriter) error {
	err := http.NewResponseController(w).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("relay: flush to the client: %w", err)
	}
	return nil
}

// Refuse writes a refusal: its status, its headers and "<Reason>: <detail>" as plain text. Nobody
// may cache an error of ours. The cause stays out, because it may name inner addresses.
func Refuse(w http.ResponseWriter, r *model.Refusal) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Status >= http.StatusBadRequest {
		header.Set("Cache-Control", "no-store")
	}
	for name, value := range r.Header {
		header[name] = []string{value}
	}
	w.WriteHeader(r.Status)
	// A client that left early does not care for the text.
	_, _ = io.WriteString(w, string(r.Reason)+": "+r.Detail+"\n")
}
