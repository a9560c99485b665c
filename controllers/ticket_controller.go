package controllers

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// To create: a right that Kubernetes can't limit to a name. To update: the next key, and the dead ones
// out. To read it, by its name, also where the rights for certificates are narrower than by default.
// +kubebuilder:rbac:groups="",namespace=fairlead-system,resources=secrets,verbs=create
// +kubebuilder:rbac:groups="",namespace=fairlead-system,resources=secrets,resourceNames=fairlead-tickets,verbs=list;watch;update

const (
	// ticketSecretType tells our Secret from all others. The API server lets nobody change a type. It
	// also keeps the Secret out of the cache from which routes are made.
	ticketSecretType corev1.SecretType = "fairlead.dev/ticket-keys"
	// ticketLook is how often the keys are looked at without a reason: clocks are set, machines sleep,
	// and what could not be written may be written now.
	ticketLook = time.Minute
)

// tickets gives every replica the same keys for TLS session tickets: those of one Secret, which the
// leader rotates. What the Secret says counts: without any key in it each replica makes its own.
type tickets struct {
	reader client.Reader // knows this Secret only
	writer client.Writer
	secret types.NamespacedName
	leader *leader
	use    func(keys [][32]byte)
	log    *slog.Logger

	// Of the worker alone.
	inUse [][32]byte
	told  string // the last trouble

	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[world] // nil until the controller starts
}

// setup gives the Secret a cache of its own: no Secret that is neither this one nor a certificate
// shall be in the memory of a replica.
func (t *tickets) setup(mgr manager.Manager, cfg *rest.Config) error {
	one, err := cache.New(cfg, cache.Options{
		Scheme: scheme, Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient(), // nothing is trimmed: it is written back
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {
			Namespaces: map[string]cache.Config{t.secret.Namespace: {}},
			Field:      fields.OneTermEqualSelector(metav1.ObjectNameField, t.secret.Name),
		}},
	})
	if err != nil {
		return err
	}
	t.reader, t.writer = one, mgr.GetClient()
	if err := mgr.Add(one); err != nil {
		return err
	}
	c, err := controller.NewTyped("tickets", mgr, controller.TypedOptions[world]{Reconciler: t})
	if err != nil {
		return err
	}
	err = c.Watch(source.TypedFunc[world](func(_ context.Context, q workqueue.TypedRateLimitingInterface[world]) error {
		t.mu.Lock()
		t.queue = q
		t.mu.Unlock()
		t.again()
		return nil
	}))
	if err != nil {
		return err
	}
	look := handler.TypedEnqueueRequestsFromMapFunc(func(context.Context, *corev1.Secret) []world { return []world{{}} })
	return c.Watch(source.TypedKind(one, &corev1.Secret{}, look))
}

// again asks to look, such as when this replica begins to lead.
func (t *tickets) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queue != nil {
		t.queue.Add(world{})
	}
}

// Reconcile hands the keys of the Secret to the data plane and, in the leader, rotates them.
func (t *tickets) Reconcile(ctx context.Context, _ world) (reconcile.Result, error) {
	secret := &corev1.Secret{Type: ticketSecretType}
	if err := client.IgnoreNotFound(t.reader.Get(ctx, t.secret, secret)); err != nil {
		return reconcile.Result{}, err
	}
	now := time.Now()
	keys, trouble := t.read(secret)
	t.hand(keys.at(now))
	if _, leads := t.leader.leading(); leads && secret.Type == ticketSecretType {
		if err := t.rotate(ctx, secret, keys.rotated(now, drawKey)); err != nil {
			trouble = "the keys of session tickets can't be written; when those that are there have died, no replica resumes the sessions of another: " + err.Error()
		}
	}
	t.tell(trouble)
	pause := ticketLook
	if next := keys.next(now); !next.IsZero() {
		pause = min(pause, next.Sub(now))
	}
	return reconcile.Result{RequeueAfter: pause}, nil
}

// read returns the keys of the Secret and what is wrong with it.
func (t *tickets) read(secret *corev1.Secret) (keys ticketKeys, trouble string) {
	if secret.Type != ticketSecretType {
		return nil, fmt.Sprintf("the Secret for the keys of session tickets belongs to somebody else, for its type is %q and not %q; no replica resumes the sessions of another: give another name with --ticket-secret, or delete it",
			secret.Type, ticketSecretType)
	}
	keys, wrong := readTicketKeys(secret.Data)
	if len(wrong) > 0 {
		trouble = fmt.Sprintf("entries of the Secret for session tickets are no keys and left out: %q", wrong)
	}
	return keys, trouble
}

// hand gives the keys to the data plane if they are others than before.
func (t *tickets) hand(keys [][32]byte) {
	if slices.Equal(keys, t.inUse) {
		return
	}
	t.use(keys)
	switch {
	case len(keys) == 0:
		t.log.Warn("no shared key for session tickets is left; each replica makes its own", "secret", t.secret)
	case len(t.inUse) == 0:
		t.log.Info("keys of session tickets are shared with the other replicas", "secret", t.secret, "keys", len(keys))
	}
	t.inUse = keys
}

// rotate writes the keys if the Secret holds anything else. The version of the Secret that was read
// goes along: when somebody else was faster, what he wrote is on its way to us.
func (t *tickets) rotate(ctx context.Context, secret *corev1.Secret, keys ticketKeys) error {
	data := keys.data()
	if maps.EqualFunc(secret.Data, data, bytes.Equal) {
		return nil
	}
	secret.Data = data
	var err error
	if secret.ResourceVersion == "" {
		secret.Namespace, secret.Name = t.secret.Namespace, t.secret.Name
		err = t.writer.Create(ctx, secret, client.FieldOwner(fieldOwner))
	} else {
		err = t.writer.Update(ctx, secret, client.FieldOwner(fieldOwner))
	}
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return nil
	case err != nil:
		return err
	}
	t.log.Info("keys of session tickets rotated", "secret", t.secret, "keys", len(keys), "next", keys[0].from)
	return nil
}

// tell logs what is wrong, once until it changes.
func (t *tickets) tell(trouble string) {
	if trouble != "" && trouble != t.told {
		t.log.Error(trouble, "secret", t.secret)
	}
	t.told = trouble
}

func drawKey() (key [32]byte) {
	_, _ = rand.Read(key[:]) // it never fails, and would end the process
	return key
}
