package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/controllers/annotations"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy/model"
)

// DefaultControllerName is the spec.controller of the IngressClasses that are ours.
const DefaultControllerName = "fairlead.dev/ingress-controller"

// Options are the controller's own settings. The zero value is usable.
type Options struct {
	// ControllerName is the spec.controller of our IngressClasses; "": DefaultControllerName.
	ControllerName string
	// DefaultCertificate names a Secret of type kubernetes.io/tls that is served for names without
	// a certificate of their own, and to clients without SNI. Zero: none.
	DefaultCertificate types.NamespacedName
	// ClassName is a class that is ours though no IngressClass of the name may exist, as old manifests
	// with the annotation kubernetes.io/ingress.class have it. "": none.
	ClassName string
	// WithoutClass serves Ingresses that name no class though ours is not the default one.
	WithoutClass bool
	// DefaultBackend is the Service whose first port serves what no route matches. Zero: 404.
	DefaultBackend types.NamespacedName
	// NoExternalNames refuses Services of type ExternalName: their names may lead anywhere.
	NoExternalNames bool
	// NginxDefaults gives Ingresses the defaults of ingress-nginx where Fairlead's differ on purpose.
	NginxDefaults bool
	// ResponseHeaders are the names of headers that custom-headers may set on answers.
	ResponseHeaders []string
	// Zone and Node are where this replica runs, for the hints of EndpointSlices. "": unknown, and
	// then hints count for nothing.
	Zone, Node string
	// Now is the time by which certificates are judged; zero: none is said to be expired. It
	// changes the report alone, never the configuration.
	Now time.Time
	// KeyPairs, if it is given again, saves the next Build the parsing of certificates. nil: each
	// Build parses all.
	KeyPairs *KeyPairs
}

// Build translates a snapshot. Equal snapshots give equal results, in whatever order their objects
// stand. The configuration shares memory with the snapshot, and neither may be changed.
func Build(s *snapshot.Snapshot, opts Options) (model.Config, *Report) {
	refs := newRefs(s)
	b := &build{
		opts:      opts,
		classes:   newClasses(s.IngressClasses, opts),
		endpoints: newEndpoints(s, opts),
		refs:      refs,
		pairs:     newPairs(refs, opts),
		claims:    map[model.MatchKey]claimant{},
		certified: map[string]certificateOwner{},
		backends:  map[string]bool{},
		ids:       map[string]bool{},
		regexes:   map[string]error{},
		bundles:   map[*corev1.Secret]bool{},
		names:     s.Names,
		canaries:  map[int]*object{},

		routeDefaults: map[string]*annotations.Settings{},
	}
	b.defaults = b.classDefaults(s.IngressClasses)
	b.collect(s)
	b.makeRoom()
	for _, o := range b.objects {
		b.certify(o)
		if o.ingress != nil {
			b.ingress(o)
		} else {
			b.webSocketRoute(o)
		}
	}
	// What is less than a rule comes after all rules, whoever is older.
	for _, less := range []func(*object){b.aliases, b.defaultBackend, b.appRoot, b.fromToWWW, b.canary} {
		for _, o := range b.objects {
			if o.ingress != nil {
				less(o)
			}
		}
	}
	b.hostCertificates()
	b.globalDefault()
	return b.result()
}

// makeRoom spares a large cluster the copying of lists that grow.
func (b *build) makeRoom() {
	var routes int
	for _, o := range b.objects {
		if o.route != nil {
			routes += len(o.route.Spec.Rules)
			continue
		}
		for i := range o.ingress.Spec.Rules {
			if http := o.ingress.Spec.Rules[i].HTTP; http != nil {
				routes += len(http.Paths)
			}
		}
	}
	b.cfg.Routes = slices.Grow(b.cfg.Routes, routes)
	b.claims = make(map[model.MatchKey]claimant, routes)
}

// build is one run of Build.
type build struct {
	opts          Options
	classes       classes
	defaults      map[string]annotations.Defaults  // of Ingresses, by class
	routeDefaults map[string]*annotations.Settings // of WebSocketRoutes, by class
	endpoints     *endpoints
	refs          *refs
	pairs         *pairs
	objects       []*object // ours, the oldest first
	strays        []ObjectReport
	ruleHosts     map[string]bool // that any rule names
	regexHosts    map[string]bool
	regexes       map[string]error        // by expression, what is wrong with it
	bundles       map[*corev1.Secret]bool // whether its authorities can be read
	names         map[string]snapshot.Name
	canaries      map[int]*object // by route

	claims    map[model.MatchKey]claimant
	certified map[string]certificateOwner // by host
	backends  map[string]bool             // keys of cfg.Backends
	ids       map[string]bool             // of cfg.Routes
	cfg       model.Config
	problems  []Problem // that belong to no object
}

// object is an Ingress or a WebSocketRoute that is ours, and what is told of it.
type object struct {
	meta     *metav1.ObjectMeta
	class    string
	report   ObjectReport
	tlsHosts hostSet // those for which it asks for TLS
	// certificates are the Secrets of those that it has.
	certificates []types.NamespacedName
	routes       []int // its routes, as indexes of cfg.Routes

	ingress  *networkingv1.Ingress // or
	route    *v1alpha1.WebSocketRoute
	settings annotations.Settings // of an Ingress
	base     model.Route          // what all routes of an Ingress have in common
	aliases  []string             // hosts that an Ingress has besides those of its rules
}

// tell records a problem of the object.
func (o *object) tell(reason v1alpha1.Reason, at *field.Path, format string, args ...any) {
	o.report.Problems = append(o.report.Problems, Problem{Reason: reason, Field: at.String(), Message: fmt.Sprintf(format, args...)})
}

// tellOnce is tell for what several parts of the object would say of one field.
func (o *object) tellOnce(reason v1alpha1.Reason, at *field.Path, format string, args ...any) {
	if message := fmt.Sprintf(format, args...); !slices.Contains(o.report.Problems, Problem{Reason: reason, Field: at.String(), Message: message}) {
		o.tell(reason, at, "%s", message)
	}
}

// collect finds the objects that are ours and puts the oldest first: whoever comes first keeps
// what two of them claim.
func (b *build) collect(s *snapshot.Snapshot) {
	for _, i := range s.Ingresses {
		if class, ours := b.classes.ofIngress(i); ours {
			b.objects = append(b.objects, b.newIngress(i, class))
		}
	}
	for _, r := range s.WebSocketRoutes {
		if class := b.classes.named(r.Spec.IngressClassName, ""); b.classes.ourOwn[class] {
			b.objects = append(b.objects, &object{meta: &r.ObjectMeta, class: class, route: r, report: newReport("WebSocketRoute", &r.ObjectMeta)})
		} else if report, stray := b.classes.stray(r); stray && !s.ClassesUnknown {
			b.strays = append(b.strays, report)
		}
	}
	slices.SortFunc(b.objects, (*object).compare)
	b.ruleHosts, b.regexHosts = ruleHosts(b.objects), regexHosts(b.objects)
}

func newReport(kind string, meta *metav1.ObjectMeta) ObjectReport {
	return ObjectReport{Object: ObjectRef{
		Kind: kind, Namespace: meta.Namespace, Name: meta.Name, UID: meta.UID, Generation: meta.Generation,
	}}
}

// add puts a finished route into the configuration.
func (b *build) add(o *object, r model.Route) {
	b.ids[r.ID] = true
	index := len(b.cfg.Routes)
	b.cfg.Routes = append(b.cfg.Routes, r)
	for _, m := range r.Matches {
		b.claims[m.Key()] = claimant{o, index}
	}
	o.routes = append(o.routes, index)
	o.report.Routes++
}

// result puts everything into the order that the same snapshot always has.
func (b *build) result() (model.Config, *Report) {
	slices.SortFunc(b.cfg.Backends, func(x, y model.Backend) int { return strings.Compare(x.Key, y.Key) })
	b.cfg.Certificates = b.certificates()
	report := &Report{Objects: b.strays, Problems: append(b.classes.problems, b.problems...), Wanted: b.refs.wanted()}
	for _, o := range b.objects {
		report.Objects = append(report.Objects, o.report)
	}
	slices.SortFunc(report.Objects, func(x, y ObjectReport) int {
		return cmp.Or(
			strings.Compare(x.Object.Kind, y.Object.Kind),
			strings.Compare(x.Object.Namespace, y.Object.Namespace),
			strings.Compare(x.Object.Name, y.Object.Name),
		)
	})
	return b.cfg, report
}
