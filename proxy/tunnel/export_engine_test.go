//go:build linux && !portable

package tunnel

import (
	"github.com/fairlead/fairlead/proxy/loop"
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
