package annotations

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// Problem is something about one annotation that its owner should know.
type Problem struct {
	Reason v1alpha1.Reason
	// Key is the annotation's whole name.
	Key string
	// Message says what is wrong, what happens instead and what to do.
	Message string
}

// Annotations that depend on each other.
const (
	balanceKey           = OurPrefix + "balance"
	hashOnKey            = OurPrefix + "hash-on"
	drainSpreadKey       = OurPrefix + "drain-spread"
	keepaliveIntervalKey = OurPrefix + "keepalive-interval"
	keepaliveTimeoutKey  = OurPrefix + "keepalive-timeout"
	keepalivePeersKey    = OurPrefix + "keepalive-peers"
)

// Parse reads what annotations say. It never fails: what can't be read or served is left out and
// told. Annotations of other prefixes are not looked at.
func Parse(annotations map[string]string) (Settings, []Problem) {
	p := parsing{d: new(draft)}
	for _, i := range p.find(annotations) {
		p.apply(&table[i], annotations[table[i].Key()])
	}
	p.cookieless()
	p.clashes(annotations)
	p.hashing()
	p.spread()
	p.pingless()
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return p.d.settle(), p.problems
}

type parsing struct {
	d        *draft
	counted  []*Row // rows whose value was read, in order
	problems []Problem
}

func (p *parsing) tell(reason v1alpha1.Reason, key, format string, args ...any) {
	p.problems = append(p.problems, Problem{reason, key, fmt.Sprintf(format, args...)})
}

// find returns the positions in the table of the annotations that it has, in order, and tells of
// those that it should have and has not.
func (p *parsing) find(annotations map[string]string) []int {
	var found []int
	for key := range annotations {
		i, known := position[key]
		switch {
		case known:
			found = append(found, i)
		case strings.HasPrefix(key, OurPrefix):
			p.tell(v1alpha1.ReasonUnknownAnnotation, key, "there is no such annotation, so it has no effect%s", didYouMean(key, OurPrefix))
		case strings.HasPrefix(key, NginxPrefix):
			p.tell(v1alpha1.ReasonUnsupportedAnnotation, key, "Fairlead doesn't know this annotation, so it has no effect%s", didYouMean(key, NginxPrefix))
		}
	}
	slices.Sort(found)
	return found
}

func (p *parsing) apply(r *Row, value string) {
	key := r.Key()
	switch r.Support {
	case Needless:
		return
	case Phantom:
		p.tell(v1alpha1.ReasonUnsupportedAnnotation, key, "%s: %s", phantom(r), r.Doc)
		return
	case Unsupported, Closed, LeftOut:
		if on, err := strconv.ParseBool(strings.TrimSpace(value)); err == nil && !on && r.Type == typeBool {
			return
		}
		p.tell(v1alpha1.ReasonUnsupportedAnnotation, key, "the annotation is %s: %s", p.unserved(r), r.Doc)
		return
	}
	trial := *p.d
	note, err := r.parse(strings.TrimSpace(value), &trial)
	switch {
	case errors.Is(err, errUnsupported):
		p.tell(v1alpha1.ReasonUnsupportedAnnotation, key, "%v; the annotation is ignored", err)
	case err != nil:
		p.tell(v1alpha1.ReasonInvalidAnnotation, key, "%v; the annotation is ignored, as if it were not there (an example: %q)", err, r.Example)
	default:
		*p.d = trial
		p.counted = append(p.counted, r)
		if note != "" {
			p.tell(v1alpha1.ReasonInvalidAnnotation, key, "%s", note)
		}
	}
}

// unserved notes what follows from a row that is not served, and says it.
func (p *parsing) unserved(r *Row) string {
	switch r.Support {
	case Closed:
		p.d.ClosedBy = r.Key()
		return "not supported, and to ignore it would open what it guards, so the paths of this Ingress are answered with 503"
	case LeftOut:
		p.d.LeftOutBy = r.Key()
		return "not supported, and without it this Ingress would take all requests of another one, so it is not served"
	}
	return "ignored"
}

func phantom(r *Row) string {
	if r.Prefix == f5Prefix {
		return "the annotation belongs to another controller, that of F5"
	}
	return "the annotation never existed in ingress-nginx"
}

// cookieless tells of attributes of a cookie that nobody asked for.
func (p *parsing) cookieless() {
	if p.d.StickyOn {
		return
	}
	for _, r := range p.counted {
		if !r.needsCookie {
			continue
		}
		need := OurPrefix + "sticky-cookie: " + model.DefaultStickyName
		if r.Prefix == NginxPrefix {
			need = NginxPrefix + "affinity: cookie"
		}
		p.tell(v1alpha1.ReasonInvalidAnnotation, r.Key(), "there is no sticky cookie, so the annotation has no effect: add %s, or remove it", need)
	}
}

// clashes tells of fields that both prefixes set differently. Ours were applied last and count.
func (p *parsing) clashes(annotations map[string]string) {
	for _, theirs := range p.counted {
		if theirs.Prefix != NginxPrefix {
			continue
		}
		for _, our := range p.counted {
			if our.Prefix != OurPrefix || !clash(our, theirs, annotations) {
				continue
			}
			p.tell(v1alpha1.ReasonAnnotationClash, theirs.Key(), "%s: %q says something else than %s: %q, which counts: remove one of them",
				theirs.Key(), annotations[theirs.Key()], our.Key(), annotations[our.Key()])
		}
	}
}

func clash(our, theirs *Row, annotations map[string]string) bool {
	var a, b *reflect.Value
	for _, name := range theirs.sets {
		if !slices.Contains(our.sets, name) {
			continue
		}
		if a == nil {
			a, b = alone(our, annotations), alone(theirs, annotations)
		}
		if !reflect.DeepEqual(field(*a, name).Interface(), field(*b, name).Interface()) {
			return true
		}
	}
	return false
}

// alone returns the draft that a row makes without any other. Its value was read before.
func alone(r *Row, annotations map[string]string) *reflect.Value {
	d := new(draft)
	_, _ = r.parse(strings.TrimSpace(annotations[r.Key()]), d)
	v := reflect.ValueOf(d).Elem()
	return &v
}

// field walks a path such as Timeouts.Idle.
func field(v reflect.Value, path string) reflect.Value {
	for name := range strings.SplitSeq(path, ".") {
		v = v.FieldByName(name)
	}
	return v
}

// hashing mends an algorithm and a hash key that don't go together.
func (p *parsing) hashing() {
	b := &p.d.Balance
	switch {
	case b.Algorithm == model.ConsistentHash && len(b.HashOn) == 0:
		b.Algorithm = model.RoundRobin
		p.tell(v1alpha1.ReasonInvalidAnnotation, balanceKey, "consistent-hash has nothing to hash, so the annotation is ignored: add %s, such as \"cookie:uid, source-ip\"", hashOnKey)
	case b.Algorithm != model.ConsistentHash && p.counts(hashOnKey):
		b.HashOn = nil
		p.tell(v1alpha1.ReasonInvalidAnnotation, hashOnKey, "the annotation has no effect with the algorithm that %s names: write consistent-hash there, or remove one of them", balanceKey)
	}
}

// spread tells of a window that is longer than the time of which it is the last part.
func (p *parsing) spread() {
	if text, long := SpreadTooLong(p.d.Drain); long && p.counts(drainSpreadKey) {
		p.tell(v1alpha1.ReasonInvalidAnnotation, drainSpreadKey, "%s: write a shorter one, or a longer %sdrain-deadline", text, OurPrefix)
	}
}

// pingless tells of details of Pings that nobody asked for. An interval that is off was asked for.
func (p *parsing) pingless() {
	if p.d.Keepalive.Interval != 0 {
		return
	}
	for _, key := range []string{keepaliveTimeoutKey, keepalivePeersKey} {
		if p.counts(key) {
			p.tell(v1alpha1.ReasonInvalidAnnotation, key, "no Ping is sent without an interval, so the annotation has no effect: add %s: 30s, or remove it", keepaliveIntervalKey)
		}
	}
}

func (p *parsing) counts(key string) bool {
	return slices.ContainsFunc(p.counted, func(r *Row) bool { return r.Key() == key })
}
