package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// mostVariations bounds the further handshakes of a probe.
const mostVariations = 4

// leastSilence is the shortest silence for which Pings are tried: what ends earlier is no idle timeout.
const leastSilence = 500 * time.Millisecond

// variation is a handshake that differs from what was asked for in one thing.
type variation struct {
	name string
	// of are the findings on which it throws light.
	of []Finding
	// fits says whether it makes sense here; nil: always.
	fits func(o *Options, at place, first *Attempt) bool
	// change makes the difference.
	change func(o *Options, at *place, first *Attempt)
	// brief ends it with the answer.
	brief bool
	// learn changes the verdict by what came of it, and reports whether the cause is known now.
	learn func(s *scene, second *Attempt, at place) (settled bool)
}

var variations = []variation{
	{
		name: "with TLS on the same port", of: []Finding{NeedsTLS, ClosedEarly}, brief: true,
		fits:   func(_ *Options, at place, _ *Attempt) bool { return !at.secure },
		change: func(_ *Options, at *place, _ *Attempt) { *at = at.onSamePort(true) },
		learn:  (*scene).learnScheme,
	}, {
		name: "with TLS", of: []Finding{RedirectHTTPS}, brief: true,
		fits:   func(_ *Options, at place, _ *Attempt) bool { return !at.secure },
		change: func(_ *Options, at *place, _ *Attempt) { *at = at.withSecure(true) },
		learn:  (*scene).learnScheme,
	}, {
		name: "in the clear on the same port", of: []Finding{NotTLS}, brief: true,
		change: func(_ *Options, at *place, _ *Attempt) { *at = at.onSamePort(false) },
		learn:  (*scene).learnScheme,
	}, {
		name: "whatever the certificate", of: []Finding{CertDefault, CertWrongName, CertExpired, CertSelfSigned, CertIncomplete, CertUnknownCA, CertNotAccepted},
		brief:  true,
		change: func(o *Options, _ *place, _ *Attempt) { o.Insecure = true },
		learn: func(s *scene, second *Attempt, _ place) bool {
			if second.Finding == Works {
				s.note("behind the certificate all is well: the handshake itself succeeds")
			} else if second.Answer != nil {
				s.note("the certificate is not all: behind it the answer is %d (%s)", second.Answer.Status, second.Finding)
			}
			return true
		},
	}, {
		name: "where the redirect leads", of: []Finding{RedirectSlash}, brief: true,
		change: func(_ *Options, at *place, first *Attempt) {
			if to, err := resolveLocation(first.Answer.Header.Get("Location"), *at); err == nil {
				*at = at.withPath(to.EscapedPath())
			}
		},
		learn: (*scene).learnPath,
	}, {
		name: "with the other ending of the path", of: []Finding{PathNotFound, NotThisPath, BadRequest}, brief: true,
		fits:   func(_ *Options, at place, _ *Attempt) bool { return at.path() != "/" },
		change: func(_ *Options, at *place, _ *Attempt) { *at = at.withPath(otherEnding(at.path())) },
		learn:  (*scene).learnPath,
	}, {
		name: "a path that nobody has", of: []Finding{NotThisPath}, brief: true,
		fits: func(_ *Options, _ place, first *Attempt) bool { return frameworkOf(first.Answer) == nil },
		change: func(_ *Options, at *place, _ *Attempt) {
			var p [6]byte
			_, _ = rand.Read(p[:]) // never fails
			at.uri = "/" + hex.EncodeToString(p[:])
		},
		learn: (*scene).learnFallback,
	}, {
		name: "without subprotocols", of: []Finding{BadRequest, Forbidden, NotThisPath, ServerError}, brief: true,
		fits:   func(o *Options, _ place, _ *Attempt) bool { return len(o.Subprotocols) > 0 },
		change: func(o *Options, _ *place, _ *Attempt) { o.Subprotocols = nil },
		learn: func(s *scene, second *Attempt, _ place) bool {
			if second.Finding != Works {
				return false
			}
			s.v.Finding = SubprotocolRefused
			s.v.Summary = fmt.Sprintf("the server refuses the subprotocols %s with %s; without any it answers 101.", strings.Join(s.o.Subprotocols, ", "), s.status())
			s.v.Changes = nil
			s.change(clientSoftware, "offer names that the server knows, or none")
			return true
		},
	}, {
		name: "with the host's own Origin", of: []Finding{Forbidden, OriginRefused, PathNotFound, BadRequest}, brief: true,
		fits: func(o *Options, at place, _ *Attempt) bool { return o.Origin != ownOrigin(at) },
		change: func(o *Options, at *place, _ *Attempt) {
			o.Origin = ownOrigin(*at)
		},
		learn: (*scene).learnOrigin,
	}, {
		name: "without an Origin", of: []Finding{Forbidden, OriginRefused}, brief: true,
		fits:   func(o *Options, _ place, _ *Attempt) bool { return o.Origin != "" },
		change: func(o *Options, _ *place, _ *Attempt) { o.Origin = "" },
		learn:  (*scene).learnOrigin,
	}, {
		name: "with Pings", of: []Finding{ClosedIdle, Forgotten},
		fits: func(o *Options, _ place, first *Attempt) bool {
			return o.Ping == 0 && first.seen.silence >= leastSilence
		},
		change: func(o *Options, _ *place, first *Attempt) {
			o.Ping = max(first.seen.silence/3, 200*time.Millisecond).Round(100 * time.Millisecond)
			o.Idle = min(o.Idle, first.seen.silence*3/2+time.Second).Round(100 * time.Millisecond)
		},
		learn: (*scene).learnPings,
	}, {
		name: "the same host on https", of: []Finding{Works}, brief: true,
		fits:   func(o *Options, at place, _ *Attempt) bool { return !at.secure && at.port == "80" && o.ConnectTo == "" },
		change: func(_ *Options, at *place, _ *Attempt) { *at = at.withSecure(true); at.port = "443" },
		learn: func(s *scene, second *Attempt, at place) bool {
			if second.seen.secure {
				s.note("%s is served on https too: its pages can only open %s", at.host, at)
			}
			return true
		},
	},
}

// vary makes the further handshakes that tell the causes of the first one apart.
func vary(ctx context.Context, o *Options, at place, first *Attempt, v *Verdict) []Attempt {
	if o.Once {
		return nil
	}
	var made []Attempt
	for _, w := range variations {
		if len(made) == mostVariations || ctx.Err() != nil || !slices.Contains(w.of, first.Finding) || w.fits != nil && !w.fits(o, at, first) {
			continue
		}
		other, there := *o, at
		w.change(&other, &there, first)
		second := try(ctx, &other, there, w.name, func(t *trial) { t.brief = w.brief })
		made = append(made, *second)
		if w.learn(&scene{o: o, at: at, a: first, seen: &first.seen, v: v}, second, there) {
			break
		}
	}
	return made
}

func otherEnding(path string) string {
	if cut, ok := strings.CutSuffix(path, "/"); ok {
		return cut
	}
	return path + "/"
}

// ownOrigin is what a page of the host itself sends.
func ownOrigin(at place) string {
	if at.secure {
		return "https://" + at.authority()
	}
	return "http://" + at.authority()
}

func (s *scene) learnScheme(second *Attempt, at place) bool {
	if s.a.Finding == ClosedEarly {
		if !second.seen.secure {
			s.note("with TLS it is no better: the port speaks none")
			return false
		}
		s.v.Finding = NeedsTLS
		s.v.Changes = nil
		s.needsTLS()
	}
	switch {
	case second.Finding == Works:
		s.v.Summary += fmt.Sprintf(" %s works.", at)
	case second.Answer != nil:
		s.note("at %s the answer is %d (%s)", at, second.Answer.Status, second.Finding)
	default:
		s.note("at %s it fails too (%s)", at, second.Finding)
	}
	return true
}

func (s *scene) learnPath(second *Attempt, at place) bool {
	switch {
	case second.Answer == nil:
	case second.Answer.Status == http.StatusSwitchingProtocols:
		s.v.Summary += fmt.Sprintf(" %s works.", at)
		if s.v.Finding != RedirectSlash { // there it is said
			s.v.Changes = append([]Change{{clientSoftware, []string{at.String()}}}, s.v.Changes...)
		}
		return true
	case second.Answer.Status != s.a.Answer.Status && second.Finding != PathNotFound:
		s.note("with the path %s the answer is %d (%s)", printable(at.path()), second.Answer.Status, second.Finding)
	}
	return false
}

// learnFallback compares the answer with that to a path that can't exist.
func (s *scene) learnFallback(second *Attempt, _ place) bool {
	a, b := s.a.Answer, second.Answer
	if b == nil {
		return false
	}
	if a.Status == b.Status && a.Body == b.Body {
		s.v.Why = "A path that can't exist gets the very same answer: it is what the server answers everywhere (the index.html of a single-page application, a welcome page). This path does not reach the WebSocket service: its route is missing, or a broader one wins."
		s.v.Changes = nil
		s.changes(servePath(s.at))
		return true
	}
	s.note("a path that can't exist is answered otherwise (%d), so this one is known: lost Upgrade and Connection headers are the likelier cause", b.Status)
	return false
}

func (s *scene) learnOrigin(second *Attempt, _ place) bool {
	if second.Finding != Works {
		return false
	}
	s.v.Finding = OriginRefused
	s.v.Changes = nil
	s.originRefused()
	if s.o.Origin == "" {
		s.v.Summary += fmt.Sprintf(" With Origin: %s it works.", ownOrigin(s.at))
	} else {
		s.v.Summary += " With the host's own, or without one, it works."
	}
	return true
}

func (s *scene) learnPings(second *Attempt, _ place) bool {
	switch second.Finding {
	case Works:
		s.v.Summary += " Pings keep it open."
		s.note("with %s in between, the socket outlived the time at which it was closed before", count(second.seen.pinged, "Ping"))
	case ClosedIdle:
		s.v.Summary += " Pings don't keep it open."
		s.note("with Pings it was closed %s behind the 101 nevertheless: it is a limit of a socket's whole life, or only messages count", round(second.seen.stay))
	}
	return true
}
