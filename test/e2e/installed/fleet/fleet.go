package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options say what the clients do. URL and Clients are needed.
type Options struct {
	URL     string // ws://chat.example.com/socket
	Address string // host:port that is dialled, whatever the URL says; empty: what the URL says
	From    string // the address that clients come from; empty: what the system chooses
	Clients int
	TLS     *tls.Config
	// Header returns what a client adds to its handshakes; nil: nothing.
	Header func(client int) http.Header
	// Every is the time between two messages of a socket. 0: a second.
	Every time.Duration
	// Silence is how long a message may stay without its echo, until its client takes the socket for dead. 0: 3 seconds.
	Silence time.Duration
	// Patience is the longest time of a handshake, the greeting included. 0: 10 seconds.
	Patience time.Duration
}

// A client pauses at random between half of this and all of it before it connects anew. Each failure doubles that, up to the longest.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 2 * time.Second
)

// atOnce is how many sockets are opened at a time at the start, which is no story about a storm.
const atOnce = 32

// Fleet is clients at work. All methods may be called concurrently.
type Fleet struct {
	options Options
	running sync.WaitGroup
	stop    context.CancelFunc
	slots   chan struct{}

	mu       sync.Mutex
	clients  []*client
	changed  chan struct{} // closed and replaced when a client's place changed
	places   []Place
	ends     []*End
	refusals []Refusal
}

// Place is where a client is at the moment.
type Place struct {
	Client  int
	Open    bool      // it has a socket on which an echo came back
	Pod     string    // who greeted it
	Replica string    // the address from which the pod was asked
	Seen    string    // the address that the pod was told of the client
	Since   time.Time // of the socket
}

// Start lets the clients come and returns when each has a socket. The caller ends them with Stop.
func Start(ctx context.Context, options Options) (*Fleet, error) {
	options.Every = orElse(options.Every, time.Second)
	options.Silence = orElse(options.Silence, 3*time.Second)
	options.Patience = orElse(options.Patience, 10*time.Second)
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &Fleet{
		options: options, stop: stop, slots: make(chan struct{}, atOnce),
		changed: make(chan struct{}), places: make([]Place, options.Clients),
	}
	for number := range options.Clients {
		f.places[number].Client = number
		c := newClient(f, number)
		f.clients = append(f.clients, c)
		f.running.Go(func() { c.live(life) })
	}
	if err := f.AllOpen(ctx); err != nil {
		return nil, errors.Join(err, f.Stop())
	}
	return f, nil
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// AllOpen waits until every client has a socket. The error of a ctx that is done before tells who has none, and why.
func (f *Fleet) AllOpen(ctx context.Context) error {
	return f.Until(ctx, func(places []Place) error {
		away := 0
		for _, p := range places {
			if !p.Open {
				away++
			}
		}
		if away > 0 {
			return fmt.Errorf("%d of %d clients have no socket", away, len(places))
		}
		return nil
	})
}

// Until waits until the places of the clients are as wanted, that is until check returns nil.
func (f *Fleet) Until(ctx context.Context, check func([]Place) error) error {
	for {
		f.mu.Lock()
		places, changed := slices.Clone(f.places), f.changed
		f.mu.Unlock()
		err := check(places)
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w; %w; refused: %v", ctx.Err(), err, f.Report("", time.Time{}).Refused)
		}
	}
}

// Rejoin lets every client say goodbye and come again, as users do who close a page and open it anew. It returns when all are back.
func (f *Fleet) Rejoin(ctx context.Context) error {
	began := time.Now()
	for _, c := range f.clients {
		select {
		case c.again <- struct{}{}:
		default: // it was asked already
		}
	}
	return f.Until(ctx, func(places []Place) error {
		away := 0
		for _, p := range places {
			if !p.Open || !p.Since.After(began) {
				away++
			}
		}
		if away > 0 {
			return fmt.Errorf("%d of %d clients are not back", away, len(places))
		}
		return nil
	})
}

// Places returns where the clients are.
func (f *Fleet) Places() []Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.places)
}

// Stop lets the clients hear out what they wait for, say goodbye and leave. It returns what must never be: echoes that were not
// what had been sent, and messages that never came back on sockets that were open to the end. All else is told by Report.
func (f *Fleet) Stop() error {
	began := time.Now()
	f.stop()
	f.running.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	for _, end := range f.ends {
		if end.How == Wrong || end.How != Left && end.At.After(began) {
			err = errors.Join(err, fmt.Errorf("client %d at pod %s: %s with %d messages unanswered: %s",
				end.Client, end.Pod, end.word(), end.Unanswered, end.Text))
		}
	}
	return err
}

// update changes the place of a client and wakes who waits for that.
func (f *Fleet) update(place Place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.places[place.Client] = place
	close(f.changed)
	f.changed = make(chan struct{})
}

// ended writes the end of a socket down.
func (f *Fleet) ended(c *client, end *End) {
	f.mu.Lock()
	f.ends = append(f.ends, end)
	c.away = append(c.away, end)
	f.mu.Unlock()
	f.update(Place{Client: c.number})
}

// returned tells that an echo came back on a client's new socket.
func (f *Fleet) returned(c *client, place Place) {
	now := time.Now()
	f.mu.Lock()
	for _, end := range c.away {
		end.Back, end.NextPod, end.NextReplica = now, place.Pod, place.Replica
	}
	c.away = nil
	f.mu.Unlock()
	f.update(place)
}

func (f *Fleet) refused(r Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals = append(f.refusals, r)
}
