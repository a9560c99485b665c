package controllers

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead/fairlead/controllers/names"
	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/table"
)

// Standalone keeps server's table equal to what the files hold, and the names in them lead to, until
// ctx is done. There is nobody to write a status for, so problems are logged: once each, when they appear.
func Standalone(ctx context.Context, files *snapshot.Files, server *proxy.Server, o Options) error {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Translate.Node = o.Node
	changed := make(chan struct{}, 1)
	s := &standalone{
		files: files, options: o, told: map[string]bool{},
		publisher: publisher{server: server, options: o.Translate, log: o.Log},
		names: names.New(o.Lookup, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}),
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = s.names.Start(ctx) }) // it never fails
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				s.look(ctx)
			}
		}
	})
	return files.Watch(ctx, func() { s.look(ctx) })
}

// standalone is what there is of the controllers without a cluster.
type standalone struct {
	options Options
	names   *names.Store

	mu        sync.Mutex
	files     *snapshot.Files
	publisher publisher
	told      map[string]bool
}

// look publishes what the files hold now.
func (s *standalone) look(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	read, problems := s.files.Read()
	read.Names = s.names.Read()
	config, report := s.publisher.build(read, began)
	if s.names.Want(report.Wanted.Names) {
		bounded, cancel := context.WithTimeout(ctx, patience)
		s.names.Await(bounded)
		cancel()
		read.Names = s.names.Read()
		config, report = s.publisher.build(read, began)
	}
	s.publisher.publish(s.publisher.compile(config, report), report, began)
	now := map[string]bool{}
	tell(s.options.Log, "mistake in a manifest; what the file said when it was last good stays in force", problems, s.told, now)
	tell(s.options.Log, "problem with an object", fileProblems(s.files, report), s.told, now)
	s.told = now
}

// fileProblems gives the problems of a report the files in which their objects stand.
func fileProblems(files *snapshot.Files, report *translate.Report) []snapshot.Problem {
	var list []snapshot.Problem
	for _, o := range report.Objects {
		for _, p := range o.Problems {
			file, document := files.Find(o.Object.Kind, o.Object.Namespace, o.Object.Name)
			list = append(list, snapshot.Problem{File: file, Document: document, Object: o.Object.String(), Field: p.Field,
				Message: fmt.Sprintf("%s: %s", p.Reason, p.Message), Note: p.Note})
		}
	}
	return list
}

// tell logs the problems that were not told before and notes them all in now.
func tell(log *slog.Logger, what string, problems []snapshot.Problem, told, now map[string]bool) {
	for _, p := range problems {
		if line := p.Error(); !told[line] && !now[line] {
			log.Warn(what, "problem", p.Message, "file", p.File, "document", p.Document, "object", p.Object, "field", p.Field)
		}
		now[p.Error()] = true
	}
}

// Check reads the files once and returns the table that they give, and every problem of the files
// and of the objects in them.
func Check(files *snapshot.Files, o translate.Options) (*table.Table, []snapshot.Problem) {
	s, problems := files.Read()
	o.Now = time.Now()
	config, report := translate.Build(s, o)
	t, err := table.Compile(config, new(table.Table))
	if err = blame(err, report); err != nil {
		problems = append(problems, snapshot.Problem{Message: err.Error()})
	}
	for _, p := range report.Problems {
		problems = append(problems, snapshot.Problem{Field: p.Field, Message: fmt.Sprintf("%s: %s", p.Reason, p.Message)})
	}
	if len(report.Objects) == 0 {
		problems = append(problems, snapshot.Problem{Message: fmt.Sprintf(
			"nothing is served: of %d Ingresses and %d WebSocketRoutes none is of an IngressClass whose controller is %s: check the manifests of the classes too",
			len(s.Ingresses), len(s.WebSocketRoutes), cmp.Or(o.ControllerName, translate.DefaultControllerName))})
	}
	return t, append(problems, fileProblems(files, report)...)
}
