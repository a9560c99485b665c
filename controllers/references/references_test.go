package references

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Of a namespace with many Secrets those are kept that are wanted. Another one is fetched when it is
// wanted, and the watch goes on.
func TestOnlyWhatIsWantedIsKept(t *testing.T) {
	story(t, func(w *world) {
		w.api.put("prod/web", "1")
		w.api.put("prod/password", "1")
		w.api.put("prod/later", "1")
		w.want("prod/web")
		w.expect("prod/web=1", "prod/*")

		w.api.put("prod/web", "2")
		w.api.put("prod/later", "2") // nobody wants it yet
		w.expect("prod/web=2", "prod/*")
		w.want("prod/web", "prod/later")
		w.expect("prod/later=2 prod/web=2", "prod/*")
		w.api.put("prod/later", "3")
		w.expect("prod/later=3 prod/web=2", "prod/*")

		w.want("prod/later", "staging/web")
		w.expect("prod/later=3", "prod/* staging/*")
		w.want()
		w.expect("", "")
	})
}

// What is wanted and not there is known not to be there, and noticed when it is.
func TestWhatIsMissingIsNoticedWhenItComes(t *testing.T) {
	story(t, func(w *world) {
		w.want("prod/web")
		if why := w.Read().Unreadable; len(why) > 0 {
			t.Errorf("what is merely missing is unreadable: %v", why)
		}
		before := w.changes
		w.api.put("prod/web", "1")
		w.expect("prod/web=1", "prod/*")
		if w.changes == before {
			t.Error("nobody was told")
		}
		before = w.changes
		w.api.put("prod/web", "1") // only its version differs
		w.expect("prod/web=1", "prod/*")
		if w.changes != before {
			t.Error("a new version that means the same was told")
		}
	})
}

// Where a namespace must not be listed each Secret is watched by its name; a right to the namespace that
// is given later ends that.
func TestNamesAreEnoughWhereANamespaceIsForbidden(t *testing.T) {
	story(t, func(w *world) {
		w.api.allow(func(_, name string) bool { return name == "" || name == "hidden" })
		w.api.put("prod/web", "1")
		w.api.put("prod/hidden", "1")
		w.want("prod/web", "prod/hidden")
		w.expect("prod/web=1", "prod/web")
		said := w.Read().Unreadable[keyOf("prod/hidden")]
		for _, part := range []string{"reader", "Role in namespace prod", "list and watch of secrets", "[hidden]"} {
			if !strings.Contains(said, part) {
				t.Errorf("%q does not say %q", said, part)
			}
		}
		w.api.put("prod/web", "2")
		w.expect("prod/web=2", "prod/web")
		w.want("prod/web", "prod/hidden", "prod/third")
		w.expect("prod/web=2", "prod/third prod/web")

		w.api.allow(func(_, name string) bool { return name == "" })
		time.Sleep(time.Minute)
		w.expect("prod/hidden=1 prod/web=2", "prod/hidden prod/third prod/web")
		w.api.allow(func(string, string) bool { return false })
		time.Sleep(2 * rareAttempt)
		w.expect("prod/hidden=1 prod/web=2", "prod/*")
		if why := w.Read().Unreadable; len(why) > 0 {
			t.Errorf("still unreadable: %v", why)
		}
	})
}

// A right that is taken away leaves what was read: a certificate is not worse for it.
func TestWhatWasReadStaysWhenTheRightIsTaken(t *testing.T) {
	story(t, func(w *world) {
		w.api.put("prod/web", "1")
		w.want("prod/web")
		w.api.allow(func(string, string) bool { return true })
		w.api.expire()
		time.Sleep(time.Minute)
		w.expect("prod/web=1", "")
		if w.Read().Unreadable[keyOf("prod/web")] == "" {
			t.Error("nobody says that the right is gone")
		}
		w.api.allow(func(string, string) bool { return false })
		w.api.put("prod/web", "2")
		time.Sleep(2 * rareAttempt)
		w.expect("prod/web=2", "prod/*")
	})
}

// An API server that does not answer holds nobody up for longer than he has patience.
func TestWaitingIsBounded(t *testing.T) {
	story(t, func(w *world) {
		w.api.mu.Lock()
		w.api.hangs = true
		w.api.mu.Unlock()
		web := []types.NamespacedName{keyOf("prod/web")}
		if first, again := w.Want(web, nil), w.Want(web, nil); !first || again {
			t.Error("what is wanted is new once")
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		w.Await(ctx)
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("waited %s", waited)
		}
		if why := w.Read().Unreadable[keyOf("prod/web")]; !strings.Contains(why, "not answered yet") {
			t.Errorf("it says %q", why)
		}
	})
}

// An object that became wanted while its namespace was read is not taken for missing.
func TestWantedInTheMiddleOfAReading(t *testing.T) {
	story(t, func(w *world) {
		for _, n := range []string{"a", "b", "c"} {
			w.api.put("prod/"+n, n)
		}
		w.Want([]types.NamespacedName{keyOf("prod/a")}, nil)
		w.Want([]types.NamespacedName{keyOf("prod/a"), keyOf("prod/b")}, nil)
		w.want("prod/a", "prod/b", "prod/c")
		w.expect("prod/a=a prod/b=b prod/c=c", "prod/*")
	})
}
