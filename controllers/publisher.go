package controllers

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/fairlead/fairlead/controllers/snapshot"
	"github.com/fairlead/fairlead/controllers/translate"
	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

// publisher takes snapshots to the data plane: build, compile, publish. It is for one caller at a time.
type publisher struct {
	server  *proxy.Server
	options translate.Options
	log     *slog.Logger
	told    []translate.Problem // of our own settings, which have no owner in the cluster
}

// build translates a snapshot that was begun at began. It may be called several times before one
// result is published.
func (p *publisher) build(s *snapshot.Snapshot, began time.Time) (model.Config, *translate.Report) {
	p.options.Now = began
	if p.options.KeyPairs == nil {
		p.options.KeyPairs = new(translate.KeyPairs)
	}
	return translate.Build(s, p.options)
}

// compile returns the table of a configuration, and has the report tell whose routes have faults.
func (p *publisher) compile(config model.Config, report *translate.Report) *table.Table {
	t, err := table.Compile(config, p.server.Table())
	if err = blame(err, report); err != nil {
		// Nobody wrote this, so it is a fault of ours. The table holds the rest.
		p.log.Error("parts of the configuration are not served", "error", err)
	}
	return t
}

// blame gives what table.Compile found wrong with routes to the objects that they are from, and returns
// the rest. Only the code that runs a password file, an expression or a URL can tell what is wrong with it.
func blame(err error, report *translate.Report) error {
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) {
		return err
	}
	var rest []error
	for _, err := range all.Unwrap() {
		var fault *table.RouteError
		if !errors.As(err, &fault) || !report.Blame(fault.ID, fault.Err.Error()) {
			rest = append(rest, err)
		}
	}
	return errors.Join(rest...)
}

// publish makes the table the server's. When it returns, the report tells of the table that is in force.
func (p *publisher) publish(t *table.Table, report *translate.Report, began time.Time) {
	p.server.Publish(t, began)
	for _, problem := range report.Problems {
		if !slices.Contains(p.told, problem) {
			p.log.Warn(problem.Message, "reason", problem.Reason, "field", problem.Field)
		}
	}
	p.told = report.Problems
}
