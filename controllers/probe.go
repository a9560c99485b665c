package controllers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

const (
	probeInterval = 5 * time.Second // how often the API server is asked
	probeTimeout  = 3 * time.Second // and how long it may take to answer
	awaitInterval = time.Second     // how often at the start, when nothing can be served before
)

// probe knows whether the API server answers, and tells.
type probe struct {
	clients kubernetes.Interface
	tell    func(up bool)
	log     *slog.Logger
}

// watch asks the API server until ctx is done. Only a metric and a log line depend on the answer:
// the data plane goes on with its last table, and stays ready, while the API server is away.
func (p *probe) watch(ctx context.Context) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		err := p.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		p.tell(err == nil) // which logs when the answer changes
		if err != nil {
			p.log.Debug("the API server does not answer", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask returns nil if the API server says that it is ready.
func (p *probe) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return p.clients.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// await returns when the API server answers and knows WebSocketRoutes, or when ctx is done.
func (p *probe) await(ctx context.Context) error {
	for last := ""; ; {
		err := p.serving(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if err.Error() != last {
			p.log.Warn("waiting for the cluster; nothing is served before", "error", err, "again every", awaitInterval)
			last = err.Error()
		}
		select {
		case <-ctx.Done():
		case <-time.After(awaitInterval):
		}
	}
}

// serving returns nil if the API server is ready and the CustomResourceDefinition is there.
func (p *probe) serving(ctx context.Context) error {
	if err := p.ask(ctx); err != nil {
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	list, err := p.clients.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err == nil {
		for _, r := range list.APIResources {
			if r.Kind == "WebSocketRoute" {
				return nil
			}
		}
		err = errors.New("not among its resources")
	}
	return fmt.Errorf("%s WebSocketRoute is not installed: apply config/crd or the chart's CRDs: %w", v1alpha1.GroupVersion, err)
}
