package annotations

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// Problem is something about one annotation that its owner should know.
type Problem struct {
	Reason v1alpha1.Reason
	// Key is the annotation's whole name, or the key of the class parameters.
	Key string
	// Message says what is wrong, what happens instead and what to do.
	Message string
	// Lost says that something does not count which counts where the annotation comes from. It does not
	// for what was misread, needless or never there.
	Lost bool
	// Note says that nothing is wrong with what counts: it is only good to know.
	Note bool
}

// reasonDiffers is for what counts otherwise than where it comes from.
const reasonDiffers = v1alpha1.ReasonUnsupportedAnnotation

// Annotations that depend on each other.
const (
	balanceKey     = OurPrefix + "balance"
	hashOnKey      = OurPrefix + "hash-on"
	drainSpreadKey = OurPrefix + "drain-spread"
)

// Parse reads what annotations say, over the defaults of their class. It never fails: what can't be
// read or served is left out and told, and what guards and can't be read seals. Annotations of other
// prefixes are not looked at.
func Parse(annotations map[string]string, defaults Defaults) (Settings, []Problem) {
	d := defaults.draft
	p := parsing{d: &d}
	for _, i := range p.find(annotations) {
		p.apply(written{&table[i], table[i].Key(), strings.TrimSpace(annotations[table[i].Key()])})
	}
	p.needless()
	p.clashes()
	p.hashing()
	p.spread()
	p.passwordless()
	p.d.unsealNeedless()
	p.rejections()
	p.openCORS()
	p.unstuck()
	p.unbacked()
	p.overweight()
	return p.d.settle(), p.told()
}

// written is a row with the key and the value that somebody wrote.
type written struct {
	*Row
	key, value string
}

type parsing struct {
	d        *draft
	counted  []written // those whose value was read, in order
	rejected []rejected
	problems []Problem
}

// rejected is what can't be read or served.
type rejected struct {
	written
	err error
}

func (p *parsing) tell(reason v1alpha1.Reason, key, format string, args ...any) {
	p.problems = append(p.problems, Problem{Reason: reason, Key: key, Message: fmt.Sprintf(format, args...)})
}

// note tells what is good to know.
func (p *parsing) note(reason v1alpha1.Reason, key, format string, args ...any) {
	p.problems = append(p.problems, Problem{Reason: reason, Key: key, Message: fmt.Sprintf(format, args...), Note: true})
}

// lose tells of what is lost.
func (p *parsing) lose(key, format string, args ...any) {
	p.problems = append(p.problems, Problem{Reason: v1alpha1.ReasonUnsupportedAnnotation, Key: key, Message: fmt.Sprintf(format, args...), Lost: true})
}

// told returns what there is to tell, by key.
func (p *parsing) told() []Problem {
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return p.problems
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
			p.lose(key, "Fairlead doesn't know this annotation, so it has no effect%s", didYouMean(key, NginxPrefix))
		}
	}
	slices.Sort(found)
	return found
}

func (p *parsing) apply(w written) {
	switch w.Support {
	case Needless:
		return
	case Phantom:
		p.note(v1alpha1.ReasonUnsupportedAnnotation, w.key, "%s: %s", phantom(w.Row), w.Doc)
		return
	case Unsupported:
		p.refuse(w)
		return
	}
	if w.value == "" && w.Prefix == NginxPrefix {
		// Charts write these for values that nobody set. It is no attempt to guard anything.
		p.note(v1alpha1.ReasonInvalidAnnotation, w.key, "the value is empty, so the annotation has no effect, as in ingress-nginx: remove it")
		return
	}
	trial := *p.d
	trial.notes = nil
	if err := w.parse(w.value, &trial); err != nil {
		if p.rejected = append(p.rejected, rejected{w, err}); w.Guards {
			p.d.seal(w.Row, w.key+" can't be read")
		}
		return
	}
	trial.unseal(w.Row)
	*p.d = trial
	p.counted = append(p.counted, w)
	for _, n := range trial.notes {
		p.note(n.reason, w.key, "%s", n.text)
	}
}

// refuse tells of a row that is not served, unless it turns off what is off anyway.
func (p *parsing) refuse(w written) {
	switch {
	case w.off():
	case w.judge != nil:
		if text, lost := w.judge(w.value); lost {
			p.lose(w.key, "the annotation is ignored: %s", text)
		} else {
			p.note(v1alpha1.ReasonUnsupportedAnnotation, w.key, "the annotation is ignored: %s", text)
		}
	default:
		p.lose(w.key, "the annotation is ignored: %s", w.Doc)
	}
}

// off reports whether a switch is turned off.
func (w written) off() bool {
	on, err := strconv.ParseBool(w.value)
	return err == nil && !on && w.Type == typeBool
}

// rejections tells of values that can't be read or served, once it is known what they keep closed.
func (p *parsing) rejections() {
	for _, r := range p.rejected {
		reason := v1alpha1.ReasonInvalidAnnotation
		if errors.Is(r.err, errUnsupported) {
			reason = v1alpha1.ReasonUnsupportedAnnotation
		}
		switch {
		case r.Key() == NginxPrefix+"canary":
			p.leaveOut(r)
		case p.d.sealedBy(r.Row):
			p.tell(reason, r.key, "%v; to ignore the annotation would open what it guards, so the paths are answered with 503 until it is corrected (an example: %q)", r.err, r.Example)
		case reason == v1alpha1.ReasonUnsupportedAnnotation:
			p.lose(r.key, "%v; the annotation is ignored", r.err)
		default:
			p.tell(reason, r.key, "%v; the annotation is ignored, as if it were not there (an example: %q)", r.err, r.Example)
		}
	}
}

func phantom(r *Row) string {
	if r.Prefix == f5Prefix {
		return "the annotation belongs to another controller, that of F5"
	}
	return "the annotation never existed in ingress-nginx"
}

// needless tells of details of what nobody asked for.
func (p *parsing) needless() {
	for _, w := range p.counted {
		if w.needs != nil && !w.off() && !w.needs.met(p.d) {
			p.tell(v1alpha1.ReasonInvalidAnnotation, w.key, "%s, so the annotation has no effect: add %s, or remove it", w.needs.missing, w.needs.advice[w.Prefix])
		}
	}
}

// wrote returns what was written under a key and could be read.
func (p *parsing) wrote(key string) (written, bool) {
	i := slices.IndexFunc(p.counted, func(w written) bool { return w.Key() == key })
	if i < 0 {
		return written{}, false
	}
	return p.counted[i], true
}

// hashing mends an algorithm and a hash key that don't go together.
func (p *parsing) hashing() {
	b := &p.d.Balance
	keyed := len(b.HashOn) > 0 || b.HashTemplate != ""
	if w, found := p.wrote(balanceKey); found && b.Algorithm == model.ConsistentHash && !keyed {
		p.tell(v1alpha1.ReasonInvalidAnnotation, w.key, "consistent-hash has nothing to hash, so the annotation is ignored: add %s, such as \"cookie:uid, source-ip\"", hashOnKey)
	}
	if b.Algorithm == model.ConsistentHash && !keyed {
		b.Algorithm = model.RoundRobin
	}
	if w, found := p.wrote(hashOnKey); found && b.Algorithm != model.ConsistentHash {
		p.tell(v1alpha1.ReasonInvalidAnnotation, w.key, "the annotation has no effect with the algorithm that %s names: write consistent-hash there, or remove one of them", balanceKey)
	}
}

// spread tells of a window that is longer than the time of which it is the last part.
func (p *parsing) spread() {
	w, found := p.wrote(drainSpreadKey)
	if text, long := SpreadTooLong(p.d.Drain); long && found {
		p.tell(v1alpha1.ReasonInvalidAnnotation, w.key, "%s: write a shorter one, or a longer %sdrain-deadline", text, OurPrefix)
	}
}
