package probe

import (
	"fmt"
	"net/netip"
	"strings"
)

// scene is an attempt that is to be explained.
type scene struct {
	o    *Options
	at   place
	a    *Attempt
	seen *seen
	v    *Verdict
}

// explain says what an attempt came to.
func explain(o *Options, at place, a *Attempt) Verdict {
	v := Verdict{Finding: a.Finding, Works: a.Finding == Works}
	if a.Answer != nil {
		v.By = a.Answer.by()
	}
	s := scene{o: o, at: at, a: a, seen: &a.seen, v: &v}
	if f, ok := explanations[a.Finding]; ok {
		f(&s)
	}
	s.aside()
	return v
}

// explanations says each finding in plain words.
var explanations map[Finding]func(*scene)

func init() {
	explanations = map[Finding]func(*scene){
		Works: (*scene).works,

		NameNotFound: (*scene).nameNotFound, NameFailed: (*scene).nameFailed,
		ConnectRefused: (*scene).connectRefused, ConnectTimeout: (*scene).connectTimeout, ConnectFailed: (*scene).connectFailed,
		NotTLS: (*scene).notTLS, TLSRefused: (*scene).tlsRefused, TLSTimeout: (*scene).tlsTimeout,
		ClientCertNeeded: (*scene).clientCertNeeded, HTTP2Only: (*scene).http2Only,
		CertDefault: (*scene).certDefault, CertWrongName: (*scene).certWrongName, CertExpired: (*scene).certExpired,
		CertSelfSigned: (*scene).certSelfSigned, CertIncomplete: (*scene).certIncomplete, CertUnknownCA: (*scene).certUnknownCA,
		CertNotAccepted: (*scene).certNotAccepted,
		NeedsTLS:        (*scene).needsTLS, NotHTTP: (*scene).notHTTP, NoAnswer: (*scene).noAnswerText, ClosedEarly: (*scene).closedEarly,

		PathNotFound: (*scene).pathNotFound, NotThisPath: (*scene).notThisPath, UpgradeLost: (*scene).upgradeLost,
		BadRequest: (*scene).badRequest, BadVersion: (*scene).badVersion,
		RedirectHTTPS: (*scene).redirectHTTPS, RedirectSlash: (*scene).redirectSlash, RedirectLogin: (*scene).redirectLogin, Redirected: (*scene).redirected,
		Unauthorized: (*scene).unauthorized, Forbidden: (*scene).forbidden, OriginRefused: (*scene).originRefused,
		Misdirected: (*scene).misdirected, TooManyClients: (*scene).tooManyClients, NoEndpoint: (*scene).noEndpoint,
		BadEndpoint: (*scene).badEndpoint, SlowEndpoint: (*scene).slowEndpoint, ServerError: (*scene).serverError, OtherAnswer: (*scene).otherAnswer,

		BadAccept: (*scene).badAccept, BadUpgrade: (*scene).badUpgrade,
		SubprotocolRefused: (*scene).subprotocolRefused, ExtensionUnasked: (*scene).extensionUnasked,
		FramesLost: (*scene).framesLost, FramesBroken: (*scene).framesBroken, NoReply: (*scene).noReply,
		ClosedAtOnce: (*scene).closedAtOnce, ClosedIdle: (*scene).closedIdle, Forgotten: (*scene).forgotten,
	}
}

func (s *scene) say(format string, args ...any) { s.v.Summary = fmt.Sprintf(format, args...) }
func (s *scene) why(format string, args ...any) { s.v.Why = fmt.Sprintf(format, args...) }
func (s *scene) note(format string, args ...any) {
	s.v.Notes = append(s.v.Notes, fmt.Sprintf(format, args...))
}

func (s *scene) change(where string, lines ...string) {
	s.v.Changes = append(s.v.Changes, Change{where, lines})
}

// changes adds what of a list concerns those who answered.
func (s *scene) changes(list []Change) {
	s.v.Changes = append(s.v.Changes, relevant(list, s.a.Answer)...)
}

// status is the answer's status line without the protocol.
func (s *scene) status() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", s.a.Answer.Status, s.a.Answer.Phrase))
}

// ours adds what Fairlead itself said.
func (s *scene) ours() bool {
	reason, detail := ourReason(s.a.Answer)
	if reason == "" {
		return false
	}
	s.why("Fairlead refused it with the reason %s: %s.", reason, strings.TrimSuffix(detail, "."))
	return true
}

func (s *scene) works() {
	what := "the handshake succeeded and frames go both ways"
	if s.o.Idle > 0 {
		what += fmt.Sprintf(", and the socket stood %v", s.o.Idle)
		switch {
		case s.seen.pinged > 0:
			what += fmt.Sprintf(" with a Ping every %v", s.o.Ping)
		case s.seen.pings > 0:
			what += "; the server's own Pings may have kept it open"
		default:
			what += " of silence"
		}
	}
	s.say("it works: %s.", what)
	if s.o.Extensions != "" && s.seen.extensions == "" {
		s.note("the extensions that were offered are not used: the socket works without them, uncompressed")
	}
}

// aside tells what is worth to know whatever came of the attempt.
func (s *scene) aside() {
	for _, u := range s.seen.unreached {
		if s.a.Answer == nil {
			break
		}
		if u.address.Is6() {
			s.note("IPv6 is broken: %s took no connection (%s), IPv4 did. Clients with IPv6 wait for it first: mend the listener or the firewall, or remove the AAAA record", u.address, reached(u.finding))
		} else {
			s.note("the address %s took no connection (%s), another one did: some clients will hit it", u.address, reached(u.finding))
		}
	}
	if s.o.Insecure && len(s.seen.faults) > 0 {
		s.note("the certificate was not verified (--insecure); without that: %s", s.seen.faults[0].text)
	}
	if s.v.Works && !s.at.secure && !local(s.at.host) {
		s.note("a page that is served on https can't open ws://, only wss:// (mixed content)")
	}
}

func reached(f Finding) string {
	switch f {
	case ConnectRefused:
		return "refused"
	case ConnectTimeout:
		return "no answer"
	}
	return "no way there"
}

// local reports whether a host is this machine, which browsers trust without TLS.
func local(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}
