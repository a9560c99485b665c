package controllers

import (
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

// compile returns the table of a configuration.
func (p *publisher) compile(config model.Config) *table.Table {
	t, err := table.Compile(config, p.server.Table())
	if err != nil {
		// Build has checked with the same code, so this is a fault of ours. The table holds the rest.
		p.log.Error("parts of the configuration are not served", "error", err)
	}
	return t
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
