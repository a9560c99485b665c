package annotations

import (
	"reflect"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// clashes tells of fields that both prefixes set differently. Ours were applied last and count.
func (p *parsing) clashes() {
	for _, theirs := range p.counted {
		if theirs.Prefix != NginxPrefix {
			continue
		}
		for _, our := range p.counted {
			if our.Prefix != OurPrefix || !clash(our, theirs) {
				continue
			}
			p.tell(v1alpha1.ReasonAnnotationClash, theirs.key, "%s: %q says something else than %s: %q, which counts: remove one of them",
				theirs.key, theirs.value, our.key, our.value)
		}
	}
}

func clash(our, theirs written) bool {
	var a, b *reflect.Value
	for _, name := range theirs.sets {
		if !slices.Contains(our.sets, name) {
			continue
		}
		if a == nil {
			a, b = our.alone(), theirs.alone()
		}
		if !same(field(*a, name).Interface(), field(*b, name).Interface()) {
			return true
		}
	}
	return false
}

// same compares what two annotations set. A reference is the same whoever makes it.
func same(a, b any) bool {
	x, ofX := a.(*Ref)
	y, ofY := b.(*Ref)
	if ofX && ofY && x != nil && y != nil {
		return x.Namespace == y.Namespace && x.Name == y.Name
	}
	return reflect.DeepEqual(a, b)
}

// alone returns the draft that a row makes without any other. Its value was read before.
func (w written) alone() *reflect.Value {
	d := new(draft)
	_ = w.parse(w.value, d)
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
