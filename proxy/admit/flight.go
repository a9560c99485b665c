package admit

import (
	"context"
	"net/http"
)

// flight is a question that is being asked. Everybody with an equal key waits for it; it lasts for as
// long as somebody does.
type flight struct {
	done    chan struct{} // closed when there is an answer
	verdict *verdict
	shared  bool // the answer is for all who wait
	err     error
	waiting int // guarded by answers.mu
	giveUp  context.CancelFunc
}

// join returns the flight of a key. mine: nobody was asking, so ask is called, with a context that ends
// when everybody has left; it is the first one's, but does not end with it.
func (a *answers) join(ctx context.Context, k key, ask func(context.Context, *flight)) (joined *flight, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.flights[k]; f != nil {
		f.waiting++
		return f, false
	}
	flying, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), waiting: 1, giveUp: giveUp}
	a.flights[k] = f
	go func() {
		defer giveUp()
		defer close(f.done)
		ask(flying, f)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.forget(k, f)
	}()
	return f, true
}

// leave ends the waiting of one. When nobody is left the question is given up, and who comes now asks
// anew.
func (a *answers) leave(k key, f *flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		a.forget(k, f)
		f.giveUp()
	}
}

// forget lets nobody join the flight any more; mu is held.
func (a *answers) forget(k key, f *flight) {
	if a.flights[k] == f {
		delete(a.flights, k)
	}
}

// wait returns what came of the question, false when that is for whoever asked alone.
func (a *answers) wait(ctx context.Context, k key, f *flight, mine bool) (v *verdict, forMe bool, err error) {
	select {
	case <-ctx.Done():
		a.leave(k, f)
		return nil, true, context.Cause(ctx)
	case <-f.done:
		return f.verdict, f.shared || mine || f.err != nil, f.err
	}
}

// together asks once for all who ask the same at the same time.
func (e *external) together(ctx context.Context, k key, services http.RoundTripper, question *http.Request) (*verdict, error) {
	f, mine := e.remembered.join(ctx, k, func(ctx context.Context, f *flight) {
		var header http.Header
		if f.verdict, header, f.err = e.ask(ctx, services, question); f.err == nil {
			f.shared = e.remember(k, f.verdict, header)
		}
	})
	v, forMe, err := e.remembered.wait(ctx, k, f, mine)
	if !forMe {
		v, _, err = e.ask(ctx, services, question)
	}
	return v, err
}
