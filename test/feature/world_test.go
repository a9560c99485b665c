package feature

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead/fairlead/controllers"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/observe"
)

// stories wait more than they work: for folders to be quiet, for clocks and for each other.
const stories = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", stories); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const patience = 10 * time.Second

// world is a running Fairlead, the folder of manifests that it watches, and the pods behind it.
type world struct {
	t        *testing.T
	folder   string
	server   *proxy.Server
	told     *problems
	pods     map[string]*pod
	reversed bool      // manifests stand in the other order
	sockets  []*socket // that no change may touch
	plain    *http.Transport
}

// settings are what a Fairlead is started with.
type settings struct {
	proxy      proxy.Options
	controller controllers.Options
}

// story tells a story twice: with its objects as they stand there, and in the other order. At its end
// somebody else's object comes and goes: that cuts no socket.
func story(t *testing.T, tell func(w *world), change ...func(*settings)) {
	t.Helper()
	t.Parallel()
	for _, order := range []string{"as written", "reversed"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, order == "reversed", change)
			tell(w)
			w.apply("somebody", strings.NewReplacer("name: chat\n", "name: somebody\n", "chat.example.com", "somebody.example.com").Replace(ingress()))
			w.apply("somebody", "")
			w.keepsSockets()
		})
	}
}

// newWorld starts Fairlead over manifests that hold our IngressClass and what is given.
func newWorld(t *testing.T, manifests ...string) *world {
	t.Helper()
	return startWorld(t, false, nil, manifests...)
}

func startWorld(t *testing.T, reversed bool, change []func(*settings), manifests ...string) *world {
	t.Helper()
	s := settings{
		proxy: proxy.Options{HTTPAddress: "127.0.0.1:0", HTTPSAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", ServerName: "replica",
			Registry: observe.NewRegistry(), Log: slog.New(slog.DiscardHandler)},
	}
	for _, c := range change {
		c(&s)
	}
	w := &world{t: t, folder: t.TempDir(), told: new(problems), pods: map[string]*pod{}, reversed: reversed,
		plain: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	s.controller.Log = slog.New(w.told)
	w.write("class", `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: fairlead}
spec: {controller: fairlead.dev/ingress-controller}
`)
	w.write("given", manifests...)
	files, err := snapshot.NewFiles(w.folder)
	if err != nil {
		t.Fatal(err)
	}
	w.server, err = proxy.New(s.proxy)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.server.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		err := controllers.Standalone(ctx, files, w.server, s.controller)
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	w.until("the first table is published", func() bool { return w.server.Ready() == nil })
	return w
}

// problems keeps the warnings that owners of objects are told.
type problems struct {
	slog.Handler
	mu   sync.Mutex
	list []string
}

func (p *problems) Enabled(context.Context, slog.Level) bool { return true }

func (p *problems) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return nil
	}
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, line)
	return nil
}

func (p *problems) has(parts ...string) bool {
	for _, line := range p.all() {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return true
		}
	}
	return false
}

func (p *problems) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}

// toldThat waits until the owner is told: all parts are in one warning.
func (w *world) toldThat(parts ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("the owner is told %q", parts), func() bool { return w.told.has(parts...) })
}

const separator = "\n---\n"

// write puts manifests into a file of the folder, as one change.
func (w *world) write(name string, manifests ...string) {
	w.t.Helper()
	next := filepath.Join(w.folder, "."+name+".new")
	documents := strings.Split(strings.Join(manifests, separator), separator)
	if w.reversed {
		slices.Reverse(documents)
	}
	if err := os.WriteFile(next, []byte(strings.Join(documents, separator)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(w.folder, name+".yaml")); err != nil {
		w.t.Fatal(err)
	}
}

// apply writes manifests and waits until the table says so. Open sockets don't notice.
func (w *world) apply(name string, manifests ...string) {
	w.t.Helper()
	before := w.server.Table()
	w.write(name, manifests...)
	w.until("the change is published", func() bool { return w.server.Table() != before })
	w.keepsSockets()
}

// clear takes back what a file said, at the end of a chapter.
func (w *world) clear(name string) {
	w.t.Helper()
	w.dropSockets()
	w.apply(name, "")
}

// keepsSockets looks whether all open sockets are as they were.
func (w *world) keepsSockets() {
	w.t.Helper()
	for _, s := range w.sockets {
		s.echoes()
	}
}

func (w *world) until(what string, met func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not in %v: %s\ntable:\n%s\ntold: %q", patience, what, w.server.Table(), w.told.all())
		}
	}
}
