package controllers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/table"
)

// Standalone keeps server's table equal to what the files hold until ctx is done. There is nobody
// to write a status for, so problems are logged: once each, when they appear.
func Standalone(ctx context.Context, files *snapshot.Files, server *proxy.Server, o Options) error {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := publisher{server: server, options: o.Translate, log: o.Log}
	told := map[string]bool{}
	return files.Watch(ctx, func() {
		began := time.Now()
		s, problems := files.Read()
		report := p.publish(s, began)
		told = tellAnew(o.Log, told, append(problems, fileProblems(files, report)...))
	})
}

// fileProblems gives the problems of a report the files in which their objects stand.
func fileProblems(files *snapshot.Files, report *translate.Report) []snapshot.Problem {
	var list []snapshot.Problem
	for _, o := range report.Objects {
		for _, p := range o.Problems {
			file, document := files.Find(o.Object.Kind, o.Object.Namespace, o.Object.Name)
			list = append(list, snapshot.Problem{File: file, Document: document, Object: o.Object.String(), Field: p.Field,
				Message: fmt.Sprintf("%s: %s", p.Reason, p.Message)})
		}
	}
	return list
}

// tellAnew logs the problems that were not told yet and returns those that there are now.
func tellAnew(log *slog.Logger, told map[string]bool, problems []snapshot.Problem) map[string]bool {
	now := make(map[string]bool, len(problems))
	for _, p := range problems {
		if !told[p.Error()] && !now[p.Error()] {
			log.Warn(p.Message, "file", p.File, "document", p.Document, "object", p.Object, "field", p.Field)
		}
		now[p.Error()] = true
	}
	return now
}

// Check reads the files once and returns the table that they give, and every problem of the files
// and of the objects in them.
func Check(files *snapshot.Files, o translate.Options) (*table.Table, []snapshot.Problem) {
	s, problems := files.Read()
	o.Now = time.Now()
	config, report := translate.Build(s, o)
	t, err := table.Compile(config, new(table.Table))
	if err != nil {
		problems = append(problems, snapshot.Problem{Message: err.Error()})
	}
	for _, p := range report.Problems {
		problems = append(problems, snapshot.Problem{Field: p.Field, Message: fmt.Sprintf("%s: %s", p.Reason, p.Message)})
	}
	return t, append(problems, fileProblems(files, report)...)
}
