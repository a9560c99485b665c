package translate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

// claimant has a host and path: which object, and which route of the configuration serves it there.
type claimant struct {
	object *object
	route  int // index of cfg.Routes; -1 until the route is added
}

// claim gives a match to an object unless another one has it. Objects come oldest first, and explicit
// paths before aliases and default backends. The loser loses that match alone.
func (b *build) claim(o *object, m model.Match, at *field.Path) bool {
	key := m.Key()
	owner, taken := b.claims[key]
	if !taken {
		b.claims[key] = claimant{o, -1}
		return true
	}
	conditions := ""
	if key.Conditions != "" {
		conditions = " with the same conditions"
	}
	o.tell(v1alpha1.ReasonConflicted, at, "%s path %q on %s%s belongs to %s, and stays there: change this path, or remove that one",
		key.Path.Type, key.Path.Value, hostText(m.Host), conditions, owner.object.nameFor(o, "an earlier rule"))
	return false
}

// nameFor names the owner of something to the object that lost it, and says why it is the owner,
// unless that is for another reason than age.
func (o *object) nameFor(loser *object, part string) string {
	name := o.report.Object.String()
	switch age := o.meta.CreationTimestamp.Compare(loser.meta.CreationTimestamp.Time); {
	case o == loser:
		return part + " of the same object"
	case age < 0:
		return name + ", which is older"
	case age == 0 && o.compare(loser) < 0:
		return name + ", which is as old and comes first by name"
	}
	return name
}

// compare puts the oldest object first.
func (o *object) compare(other *object) int {
	return cmp.Or(
		o.meta.CreationTimestamp.Compare(other.meta.CreationTimestamp.Time),
		strings.Compare(o.meta.Namespace, other.meta.Namespace),
		strings.Compare(o.meta.Name, other.meta.Name),
		strings.Compare(o.report.Object.Kind, other.report.Object.Kind),
	)
}

func hostText(host string) string {
	if host == "" {
		return "any host"
	}
	return "host " + host
}

// maxIDTail bounds the part of a route's ID that users write, in bytes.
const maxIDTail = 100

// routeID makes an ID of a kind, an object and the part that is unique in it.
func routeID(kind string, o *object, tail string) string {
	if len(tail) > maxIDTail {
		sum := sha256.Sum256([]byte(tail))
		cut := maxIDTail
		for !utf8.RuneStart(tail[cut]) {
			cut--
		}
		tail = tail[:cut] + "~" + hex.EncodeToString(sum[:4])
	}
	return kind + "/" + o.meta.Namespace + "/" + o.meta.Name + "/" + tail
}

// hostSet is a set of host names, exact ones and wildcards.
type hostSet struct {
	all   bool
	names map[string]bool
}

func (s *hostSet) add(host string) {
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[host] = true
}

// has reports whether the set covers a host, by its name or a wildcard for its first label.
func (s *hostSet) has(host string) bool {
	if s.all || s.names[host] {
		return true
	}
	_, parent, found := strings.Cut(host, ".")
	return found && s.names["*."+parent]
}
