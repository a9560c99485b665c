//go:build linux && !portable

package tunnel

import (
	"errors"

	"github.com/fairlead/fairlead/proxy/loop"
)

// What the stories about sizes go by.
const (
	BufferSize = loop.BufferSize
	SpliceMin  = spliceMin
	PipeSize   = pipeSize
	MaxTaken   = maxTaken
	Share      = share
)

// NewEngineOf starts so many event loops.
func NewEngineOf(n int) (*Engine, error) {
	loops, err := loop.Start(n)
	return &Engine{loops}, err
}

// Load returns how many tunnels the engine has.
func (e *Engine) Load() (tunnels int64) {
	for _, l := range e.loops.All() {
		tunnels += l.Load()
	}
	return tunnels
}

// Refuse starts a tunnel that can't begin.
func (e *Engine) Refuse(t *Tunnel, s *Spec) {
	t.loop = e.loops.Least()
	t.loop.Join(1)
	done := make(chan struct{})
	t.do(func() {
		t.refuse(s, errors.New("no room"))
		close(done)
	})
	<-done
}

// Held returns how much memory the tunnel holds of what its ends don't take, and how many bytes wait
// in pipes.
func (t *Tunnel) Held() (memory, piped int) {
	done := make(chan struct{})
	t.do(func() {
		defer close(done)
		for i := range t.lanes {
			if o := t.lanes[i].out; o != nil {
				memory += len(o.bytes)
				piped += o.piped
			}
		}
	})
	<-done
	return memory, piped
}

// PipesTaken returns how many pipes hold something.
func PipesTaken() int {
	pipes.Lock()
	defer pipes.Unlock()
	return pipes.taken
}

// DropPipes closes the pipes that wait for their next use.
func DropPipes() {
	pipes.Lock()
	defer pipes.Unlock()
	for _, p := range pipes.idle {
		p.closeEnds()
	}
	pipes.idle = nil
}
