package nodes_test

import (
	"context"
	"log"
	"os"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/nodes"
)

// world is the cluster that all stories share.
var world *nodes.Cluster

func TestMain(m *testing.M) { os.Exit(nodes.Main(suite{m})) }

// suite is the stories with the cluster that they share.
type suite struct{ stories *testing.M }

// Run starts the cluster, runs the stories, and ends it.
func (s suite) Run() int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var err error
	if world, err = nodes.Start(ctx, nodes.Options{Log: os.Stderr}); err != nil {
		log.Print(err)
		return 1
	}
	code := s.stories.Run()
	if err := world.Stop(); err != nil {
		log.Print(err)
		return 1
	}
	return code
}
