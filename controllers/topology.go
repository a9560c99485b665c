package controllers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// In which zone this replica runs, for the hints of EndpointSlices; and, in the leader, what addresses
// the nodes of the replicas have. One node at a time, by its name: nobody lists them.
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get

const (
	// zoneLook is how often the Node is read until it has a zone: a cloud provider may label it late.
	zoneLook = time.Minute
	// zoneLookAgain is how often it is read then. Nodes hardly ever change their zone.
	zoneLookAgain = 10 * time.Minute
	zoneTimeout   = 5 * time.Second
)

// topology knows where this replica runs.
type topology struct {
	reader  client.Reader
	node    string
	changed func()
	log     *slog.Logger
	settled chan struct{} // closed when the Node was read, or could not be

	mu   sync.Mutex
	zone string
	told bool
}

// newTopology returns the place that the options name: a zone, or the Node of which to read it.
func newTopology(reader client.Reader, o Options, changed func()) *topology {
	return &topology{reader: reader, node: o.Node, zone: o.Translate.Zone, changed: changed, log: o.Log, settled: make(chan struct{})}
}

// place returns the zone and the node; "": not known.
func (t *topology) place() (zone, node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.zone, t.node
}

// Start reads the Node now and then until ctx is done, unless the zone was given.
func (t *topology) Start(ctx context.Context) error {
	zone, _ := t.place()
	if zone != "" || t.node == "" {
		close(t.settled)
		return nil
	}
	for first := true; ; first = false {
		pause := zoneLookAgain
		if !t.read(ctx) {
			pause = zoneLook
		}
		if first {
			close(t.settled)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// NeedLeaderElection says that every replica needs to know where it is.
func (t *topology) NeedLeaderElection() bool { return false }

// read reads the zone and returns whether there is one.
func (t *topology) read(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, zoneTimeout)
	defer cancel()
	var node corev1.Node
	err := t.reader.Get(ctx, client.ObjectKey{Name: t.node}, &node)
	zone := node.Labels[corev1.LabelTopologyZone]
	t.mu.Lock()
	if err != nil {
		zone = t.zone
		if !t.told && ctx.Err() == nil {
			t.told = true
			t.log.Warn("the Node of this replica can't be read, so that its zone is not known and the zones in EndpointSlices count for nothing", "node", t.node, "error", err)
		}
	}
	moved := zone != t.zone
	t.zone = zone
	t.mu.Unlock()
	if moved {
		t.changed()
	}
	return zone != ""
}
