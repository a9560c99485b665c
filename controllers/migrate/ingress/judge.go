package ingress

import (
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
)

// Verdict is what becomes of a part of an Ingress.
type Verdict string

// The verdicts, from good to bad.
const (
	Works   Verdict = "works"   // as before
	Differs Verdict = "differs" // it counts, in another way
	Unknown Verdict = "unknown" // it hangs on objects that are not among the manifests
	Lost    Verdict = "lost"    // it does not count any more
)

// Line is what becomes of one annotation or field.
type Line struct {
	// Field is the path of it, such as metadata.annotations[…] or spec.rules[0].http.paths[1].backend.
	Field   string  `json:"field"`
	Value   string  `json:"value,omitempty"`
	Verdict Verdict `json:"verdict"`
	// Message says what is different or lost, and what to do; "" for what works.
	Message string `json:"message,omitempty"`
}

// Object is what becomes of one Ingress.
type Object struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Verdict is the worst of the lines.
	Verdict Verdict `json:"verdict"`
	// Routes counts what is served of it; none: nothing is.
	Routes int    `json:"routes"`
	Lines  []Line `json:"lines"`
	// NotInRoutes is what WebSocketRoutes can't say, when they are written.
	NotInRoutes []string `json:"notInRoutes,omitempty"`
}

// className stands for our class, whatever the Ingresses name.
const className = "fairlead"

// Judge tells of every Ingress in the snapshot that from selects, by namespace and name. What is missing in the
// snapshot, such as Services, is not held against anybody.
func Judge(s *snapshot.Snapshot, from func(*networkingv1.Ingress) bool, opts translate.Options) []Object {
	moved, originals := move(s, from)
	_, report := translate.Build(moved, opts)
	var objects []Object
	for _, r := range report.Objects {
		original := originals[r.Object.Namespace+"/"+r.Object.Name]
		if r.Object.Kind != "Ingress" || original == nil {
			continue
		}
		objects = append(objects, judge(original, r, moved))
	}
	return objects
}

// move returns the snapshot with the Ingresses under our class, and those as they were.
func move(s *snapshot.Snapshot, from func(*networkingv1.Ingress) bool) (*snapshot.Snapshot, map[string]*networkingv1.Ingress) {
	moved := *s
	moved.Ingresses = nil
	moved.WebSocketRoutes = nil
	moved.IngressClasses = []*networkingv1.IngressClass{{
		ObjectMeta: metav1.ObjectMeta{Name: className}, Spec: networkingv1.IngressClassSpec{Controller: translate.DefaultControllerName},
	}}
	originals := map[string]*networkingv1.Ingress{}
	for _, i := range s.Ingresses {
		if !from(i) {
			continue
		}
		originals[i.Namespace+"/"+i.Name] = i
		changed := i.DeepCopy()
		changed.Spec.IngressClassName = new(className)
		moved.Ingresses = append(moved.Ingresses, changed)
	}
	return &moved, originals
}

func judge(i *networkingv1.Ingress, r translate.ObjectReport, s *snapshot.Snapshot) Object {
	o := Object{Namespace: i.Namespace, Name: i.Name, Verdict: Works, Routes: r.Routes}
	told := map[string][]translate.Problem{}
	for _, p := range r.Problems {
		told[p.Field] = append(told[p.Field], p)
	}
	for _, key := range slices.Sorted(maps.Keys(i.Annotations)) {
		field := "metadata.annotations[" + key + "]"
		if line, ours := annotation(key, told[field]); ours {
			line.Field, line.Value = field, shorten(i.Annotations[key])
			o.add(line)
		}
		delete(told, field)
	}
	for _, field := range slices.Sorted(maps.Keys(told)) {
		o.add(Line{Field: field, Verdict: verdict(told[field], s), Message: messages(told[field])})
	}
	return o
}

// add notes a line; the worst verdict is the object's.
func (o *Object) add(l Line) {
	o.Lines = append(o.Lines, l)
	if order := []Verdict{Works, Differs, Unknown, Lost}; slices.Index(order, l.Verdict) > slices.Index(order, o.Verdict) {
		o.Verdict = l.Verdict
	}
}

// annotation judges an annotation by its row and by what was told of its value. Those of others, such as
// cert-manager, are none of our business.
func annotation(key string, problems []translate.Problem) (Line, bool) {
	row, known := annotations.Find(key)
	switch {
	case !known && len(problems) == 0:
		return Line{}, false
	case slices.ContainsFunc(problems, func(p translate.Problem) bool { return p.Lost }):
		return Line{Verdict: Lost, Message: messages(problems)}, true
	case len(problems) > 0:
		return Line{Verdict: worst(problems), Message: messages(problems)}, true
	case row.Verdict() == annotations.Differs && row.WhenSet:
		return Line{Verdict: Differs, Message: row.Differs}, true
	}
	return Line{Verdict: Works}, true
}

// worst says what problems of an annotation mean that loses nothing by itself: it may hang on other objects.
func worst(problems []translate.Problem) Verdict {
	for _, p := range problems {
		switch p.Reason {
		case v1alpha1.ReasonInvalidRef, v1alpha1.ReasonInvalidCertificateRef, v1alpha1.ReasonBackendNotFound:
			return Unknown
		case v1alpha1.ReasonRefNotPermitted:
			return Lost
		}
	}
	return Differs
}

// verdict says what problems with a field mean. References to what is not among the manifests can't be
// judged, unless there are objects of the kind at all.
func verdict(problems []translate.Problem, s *snapshot.Snapshot) Verdict {
	for _, p := range problems {
		switch p.Reason {
		case v1alpha1.ReasonBackendNotFound:
			if len(s.Services) > 0 {
				return Lost
			}
		case v1alpha1.ReasonInvalidCertificateRef, v1alpha1.ReasonInvalidRef:
		default:
			return Lost
		}
	}
	return Unknown
}

func messages(problems []translate.Problem) string {
	var list []string
	for _, p := range problems {
		if !slices.Contains(list, p.Message) {
			list = append(list, p.Message)
		}
	}
	return strings.Join(list, "; ")
}

// maxValue is what of a value is shown; snippets may be pages.
const maxValue = 60

func shorten(value string) string {
	line, _, more := strings.Cut(strings.TrimSpace(value), "\n")
	if len(line) > maxValue {
		line, more = strings.ToValidUTF8(line[:maxValue], ""), true
	}
	if more {
		line += " …"
	}
	return line
}
