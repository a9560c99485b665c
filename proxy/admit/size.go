package admit

import (
	"fmt"
	"net/http"

	"github.com/fairlead/fairlead/proxy/model"
)

// size refuses plain requests that announce more content than the route takes. What comes without a
// length is counted as it comes: see [Policy.Bounded].
func (p *Policy) size(s *Subject) *model.Refusal {
	if p.maxBody <= 0 || s.Upgrade != "" || s.Request.ContentLength <= p.maxBody {
		return nil
	}
	return p.TooLarge()
}

// Bounded makes the content of a request end with an *http.MaxBytesError where it grows too long.
func (p *Policy) Bounded(w http.ResponseWriter, r *http.Request) {
	if p.maxBody > 0 && r.ContentLength != 0 {
		r.Body = http.MaxBytesReader(w, r.Body, p.maxBody)
	}
}

// TooLarge refuses a request whose content is too long.
func (p *Policy) TooLarge() *model.Refusal {
	return &model.Refusal{
		Status: http.StatusRequestEntityTooLarge, Reason: model.TooLarge,
		Detail: fmt.Sprintf("this route takes requests of up to %d bytes", p.maxBody),
	}
}
