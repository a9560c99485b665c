package installed_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/test/e2e/installed/fleet"
)

// users lets clients come from outside of the cluster. They stay until the story ends, and a message that gets lost without a socket
// having ended, or an echo that is not what was sent, fails the story.
func users(t *testing.T, o fleet.Options) *fleet.Fleet {
	t.Helper()
	f, err := fleet.Start(within(t, time.Minute), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// named gives each client a name of its own, in the header X-User.
func named(client int) http.Header { return http.Header{"X-User": {"user-" + strconv.Itoa(client)}} }

// settled waits until all clients have a socket, and tells what they lived through since a moment.
func settled(t *testing.T, f *fleet.Fleet, what string, since time.Time) fleet.Report {
	t.Helper()
	if err := f.AllOpen(within(t, time.Minute)); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	r := f.Report(what, since)
	told.report(t, r)
	return r
}

// noneRefused fails the story for every handshake that led to no socket.
func noneRefused(t *testing.T, r fleet.Report, began time.Time) {
	t.Helper()
	for i, one := range r.Refusals {
		t.Errorf("%s: client %d was refused after %s: %s", r.Name, one.Client, one.At.Sub(began).Round(time.Millisecond), one.What)
		if i == 9 {
			t.Errorf("%s: and %d more", r.Name, len(r.Refusals)-10)
			return
		}
	}
}

// onlyEnds fails the story for every end of a socket that may not be.
func onlyEnds(t *testing.T, r fleet.Report, began time.Time, may func(fleet.End) bool) {
	t.Helper()
	bad := 0
	for _, end := range r.Ends {
		if may(end) {
			continue
		}
		if bad++; bad <= 10 {
			t.Errorf("%s: client %d at pod %s through replica %s lost its socket after %s: %s %d %s", r.Name, end.Client, end.Pod, end.Replica,
				end.At.Sub(began).Round(time.Millisecond), end.How, end.Code, end.Text)
		}
	}
	if bad > 10 {
		t.Errorf("%s: and %d more", r.Name, bad-10)
	}
}

// backWithin fails the story when a client was away for longer.
func backWithin(t *testing.T, r fleet.Report, longest time.Duration) {
	t.Helper()
	if r.Away > 0 || r.Gap(1) > longest {
		t.Errorf("%s: clients were away for up to %s, and %d still are; want at most %s", r.Name, r.Gap(1), r.Away, longest)
	}
}

// byPod counts the open sockets of each pod.
func byPod(places []fleet.Place) map[string]int {
	count := map[string]int{}
	for _, p := range places {
		if p.Open {
			count[p.Pod]++
		}
	}
	return count
}

// byReplica counts the open sockets of each replica of Fairlead, by its address.
func byReplica(places []fleet.Place) map[string]int {
	count := map[string]int{}
	for _, p := range places {
		if p.Open {
			count[p.Replica]++
		}
	}
	return count
}

// firstSocket tries every 50 ms until a socket opens.
func firstSocket(t *testing.T, url string, dialer websocket.Dialer) {
	t.Helper()
	eventually(t, time.Minute, "a socket opens", func() error {
		conn, answer, err := dialer.DialContext(t.Context(), url, nil)
		if answer != nil {
			_ = answer.Body.Close() // gorilla has read what there is of it
		}
		if err != nil {
			if answer != nil {
				err = fmt.Errorf("%s: %w", answer.Status, err)
			}
			return err
		}
		return conn.Close()
	})
}
