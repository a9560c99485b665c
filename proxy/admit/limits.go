package admit

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/fairlead/fairlead/proxy/live"
	"github.com/fairlead/fairlead/proxy/model"
)

// limits are model.Limits with their counters.
type limits struct {
	sessions, sessionsPerClient int
	zone                        *live.Zone
	client, all                 []metered
	exempt                      networks
}

// metered is a rate.
type metered struct {
	*live.Meter
	burst int
}

// Paces returns the meters that limits need of their zone.
func Paces(l *model.Limits) []live.Pace {
	var paces []live.Pace
	for _, r := range l.PerClient {
		paces = append(paces, pace(r, true))
	}
	for _, r := range l.Rates {
		paces = append(paces, pace(r, false))
	}
	return paces
}

// newLimits returns nil when nothing is limited.
func newLimits(l *model.Limits, zone *live.Zone) (*limits, error) {
	if !l.Any() {
		return nil, nil
	}
	n := &limits{sessions: l.Sessions, sessionsPerClient: l.SessionsPerClient, zone: zone, exempt: newNetworks(l.Exempt)}
	for _, r := range l.PerClient {
		if err := validRate(r); err != nil {
			return n, err
		}
		n.client = append(n.client, metered{zone.Meter(pace(r, true)), r.Burst})
	}
	for _, r := range l.Rates {
		if err := validRate(r); err != nil {
			return n, err
		}
		n.all = append(n.all, metered{zone.Meter(pace(r, false)), r.Burst})
	}
	return n, nil
}

func pace(r model.Rate, perClient bool) live.Pace {
	return live.Pace{Every: r.Per / time.Duration(max(r.Events, 1)), PerClient: perClient}
}

func validRate(r model.Rate) error {
	if r.Events <= 0 || r.Per <= 0 || r.Burst < 0 {
		return fmt.Errorf("%d in %v with a burst of %d is no rate", r.Events, r.Per, r.Burst)
	}
	return nil
}

// limit counts the request in, unless that would be too much: 503 TooManyRequests or TooManySessions,
// with Retry-After. A client is held to its own limits first, so that one who comes too often takes
// nothing from what all have together.
func (p *Policy) limit(s *Subject) *model.Refusal {
	l := p.limits
	if l == nil {
		return nil
	}
	exempt := l.exempt.contain(s.Client)
	if !exempt {
		if early := tooEarly(l.client, s.Client); early > 0 {
			return tooManyRequests("you come more often than this route allows each client", early)
		}
	}
	if early := tooEarly(l.all, netip.Addr{}); early > 0 {
		return tooManyRequests("more requests come than this route allows", early)
	}
	if l.sessions == 0 && l.sessionsPerClient == 0 {
		return nil
	}
	perClient := l.sessionsPerClient
	if exempt {
		perClient = 0
	}
	hold, full := l.zone.Acquire(s.Client, l.sessions, perClient)
	switch full {
	case live.OfClient:
		return tooManySessions("you have as many sessions as this route allows each client")
	case live.OfZone:
		return tooManySessions("this route has as many sessions as it may")
	case live.None:
	}
	s.Hold = hold
	return nil
}

// tooEarly counts one for each of the rates, until one is exceeded.
func tooEarly(rates []metered, client netip.Addr) time.Duration {
	for _, r := range rates {
		if early := r.Allow(client, r.burst); early > 0 {
			return early
		}
	}
	return 0
}

func tooManyRequests(detail string, early time.Duration) *model.Refusal {
	return &model.Refusal{
		Status: http.StatusServiceUnavailable, Reason: model.TooManyRequests, Detail: detail,
		Header: retryAfter(max(1, int((early+time.Second-1)/time.Second))),
	}
}

// tooManySessions asks to come back in 5 to 15 seconds: when a session ends can't be known, and not
// all who were refused should come at once.
func tooManySessions(detail string) *model.Refusal {
	return &model.Refusal{
		Status: http.StatusServiceUnavailable, Reason: model.TooManySessions, Detail: detail,
		Header: retryAfter(5 + rand.IntN(11)),
	}
}

func retryAfter(seconds int) map[string]string {
	return map[string]string{"Retry-After": strconv.Itoa(seconds)}
}
