package nodes_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead/fairlead/test/cluster"
	"github.com/fairlead/fairlead/test/nodes"
)

// What all stories share.
var (
	world *nodes.Cluster
	api   kubernetes.Interface
)

func TestMain(m *testing.M) { os.Exit(nodes.Main(suite{m})) }

// suite is the stories with the cluster that they share.
type suite struct{ stories *testing.M }

// Run starts the cluster, runs the stories, and ends it.
func (s suite) Run() int {
	code := 1
	err := prepare()
	if err == nil {
		code = s.stories.Run()
	}
	if err = errors.Join(err, world.Stop()); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

func prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	image, err := nodes.BuildImage(ctx, witnessImage, "./test/nodes/witness")
	if err != nil {
		return err
	}
	root, err := cluster.Root()
	if err != nil {
		return err
	}
	logs := filepath.Join(root, ".cache", "e2e", cmp.Or(os.Getenv(nestedVariable), "nodes"))
	if world, err = nodes.Start(ctx, nodes.Options{Dir: logs, Images: []string{image}, Log: os.Stderr}); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", world.Kubeconfig())
	if err != nil {
		return err
	}
	api, err = kubernetes.NewForConfig(config)
	return err
}

var errNotYet = errors.New("not yet")

// eventually asks until check returns nil, and fails the test when it does not within patience.
func eventually(t *testing.T, patience time.Duration, what string, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
	}
}

// wanted is an error unless got is what is wanted.
func wanted[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("%w: got %v, want %v", errNotYet, got, want)
	}
	return nil
}
