package installed_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/test/cluster"
	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
	"github.com/fairlead/fairlead/test/nodes"
)

// What all stories share.
var (
	// kube is the cluster.
	kube *nodes.Cluster
	// checkout is the folder of the source.
	checkout string
	// workshop is where the images of this run are.
	workshop string
)

// workshopVariable carries the folder into the namespaces of the cluster. Images are built outside: inside, nothing could be downloaded.
const workshopVariable = "TEST_INSTALLED_WORKSHOP"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	var err error
	if checkout, err = cluster.Root(); err != nil {
		log.Print(err)
		return 1
	}
	workshop = os.Getenv(workshopVariable)
	if workshop == "" && os.Getenv("TEST_NODES") == "required" && len(nodes.Missing()) == 0 { // otherwise nodes.Main says why not
		if err = furnish(); err != nil {
			log.Print(err)
			return 1
		}
		defer func() {
			if err := os.RemoveAll(workshop); err != nil {
				log.Print(err)
				code = max(code, 1)
			}
		}()
	}
	return nodes.Main(suite{m})
}

// furnish makes the workshop and all images.
func furnish() (err error) {
	if workshop, err = os.MkdirTemp("", "fairlead-installed-"); err != nil {
		return err
	}
	if err := os.Setenv(workshopVariable, workshop); err != nil {
		return err
	}
	began := time.Now()
	if err := buildImages(); err != nil {
		return errors.Join(err, os.RemoveAll(workshop))
	}
	log.Printf("images and tools are built after %s", since(began))
	return nil
}

// suite is the stories with what they share. They run inside the namespaces of the cluster.
type suite struct{ stories *testing.M }

// Run starts what the stories share, runs them, and ends it.
func (s suite) Run() int {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	began := time.Now()
	var err error
	kube, err = nodes.Start(ctx, nodes.Options{
		Dir: filepath.Join(checkout, ".cache", "e2e", "installed"), Images: []string{archive(fairleadImage), archive(nextImage), archive(chatImage)}, Nodes: 2, Log: os.Stderr,
	})
	if err != nil {
		log.Printf("start the cluster: %v", err)
		return 1
	}
	log.Printf("a cluster of two nodes is up after %s", since(began))
	began = time.Now()
	code := s.stories.Run()
	fmt.Printf("the stories took %s\n\n%s", since(began), told.text())
	if err := kube.Stop(); err != nil {
		log.Printf("stop the cluster: %v", err)
		return max(code, 1)
	}
	return code
}

// told is what the stories found out, for the end of the run.
var told ledger

type ledger struct {
	mu      sync.Mutex
	reports []fleet.Report
	lines   []string
}

// say adds a line to the end of the run.
func (l *ledger) say(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// report adds what clients lived through.
func (l *ledger) report(t *testing.T, r fleet.Report) {
	t.Helper()
	t.Logf("\n%s", fleet.Table(r))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports = append(l.reports, r)
}

func (l *ledger) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := ""
	for _, line := range l.lines {
		text += line + "\n"
	}
	if len(l.reports) > 0 {
		text += "\n" + fleet.Table(l.reports...)
	}
	return text
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
