package observe

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const patience = 10 * time.Second

func asText(to io.Writer) slog.Handler { return slog.NewTextHandler(to, nil) }
func asJSON(to io.Writer) slog.Handler { return slog.NewJSONHandler(to, nil) }

// pipe is the standard error of a container: a real pipe, and whoever reads it.
type pipe struct {
	t    *testing.T
	in   *os.File
	out  *os.File
	read chan []string
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{t: t, in: in, out: out, read: make(chan []string, 1)}
	t.Cleanup(func() { _ = out.Close() })
	return p
}

// follow begins to read all that comes, with a pause for each piece of 1 KiB.
func (p *pipe) follow(pause time.Duration) {
	go func() {
		var text []byte
		for piece := make([]byte, 1<<10); ; time.Sleep(pause) {
			n, err := p.out.Read(piece)
			text = append(text, piece[:n]...)
			if err != nil {
				p.read <- strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
				return
			}
		}
	}()
}

// all ends what is written to the pipe and returns the lines that were read.
func (p *pipe) all() []string {
	p.t.Helper()
	if err := p.in.Close(); err != nil {
		p.t.Fatal(err)
	}
	return <-p.read
}

// numbers returns the values of "n" in lines, and how many lines they say were lost.
func numbers(t *testing.T, lines []string) (seen []int, lost int) {
	t.Helper()
	for _, line := range lines {
		var l struct {
			Msg   string
			N     int
			Lines int
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if l.Lines > 0 {
			lost += l.Lines
			continue
		}
		seen = append(seen, l.N)
	}
	return seen, lost
}

func ascending(n []int) bool {
	for i := 1; i < len(n); i++ {
		if n[i] <= n[i-1] {
			return false
		}
	}
	return true
}

// A kubelet that reads no more stops no socket. When it comes back it reads the first lines in
// order, how many are missing, and the warnings, for which there is always room.
func TestAStalledReaderStopsNobody(t *testing.T) {
	const lines = 50_000
	p := newPipe(t)
	o := NewOutlet(p.in, asJSON)
	log := slog.New(o.Handler())
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for n := range lines {
			log.Info("session opened", "n", n+1)
		}
		log.Warn("this is worth knowing", "n", lines+1)
	}()
	select {
	case <-logged:
	case <-time.After(patience):
		t.Fatal("whoever logs is blocked")
	}
	p.follow(0)
	o.Close(patience)
	seen, lost := numbers(t, p.all())
	if !ascending(seen) || seen[len(seen)-1] != lines+1 {
		t.Error("lines are out of order, or the warning is missing")
	}
	if lost == 0 || len(seen)+lost != lines+1 {
		t.Errorf("%d lines were read and %d are told to be lost, of %d", len(seen), lost, lines+1)
	}
}

func TestASlowReaderLosesNothing(t *testing.T) {
	const each, loggers = 300, 8
	p := newPipe(t)
	p.follow(50 * time.Microsecond)
	o := NewOutlet(p.in, asJSON)
	var all sync.WaitGroup
	for i := range loggers {
		all.Go(func() {
			log := slog.New(o.Handler()).With("logger", i).WithGroup("of")
			for n := range each {
				log.Info("line", "n", n)
			}
		})
	}
	all.Wait()
	o.Close(patience)
	next := [loggers]int{}
	for _, line := range p.all() {
		var l struct {
			Logger int
			Of     struct{ N int }
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if l.Of.N != next[l.Logger] {
			t.Fatalf("logger %d: line %d came instead of %d", l.Logger, l.Of.N, next[l.Logger])
		}
		next[l.Logger]++
	}
	for i, n := range next {
		if n != each {
			t.Errorf("logger %d: %d lines of %d", i, n, each)
		}
	}
}

// Shutting down takes no longer because nobody reads.
func TestCloseDoesNotWaitForever(t *testing.T) {
	p := newPipe(t)
	o := NewOutlet(p.in, asText)
	log := slog.New(o.Handler())
	for range 2000 {
		log.Info("more than a pipe holds", "padding", strings.Repeat("x", 100))
	}
	began := time.Now()
	o.Close(50 * time.Millisecond)
	if took := time.Since(began); took > patience/2 {
		t.Errorf("closed after %v", took)
	}
	log.Info("too late")
	p.follow(0)
	o.Close(patience) // again, now that somebody reads
	if lines := p.all(); len(lines) != 2000 {
		t.Errorf("%d lines of 2000", len(lines))
	}
}

// disk remembers what it is given by each write, and is full when told to.
type disk struct {
	mu      sync.Mutex
	written []string
	full    bool
	room    int // bytes that it takes though it is full
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return d.room, errors.New("no space left on device")
	}
	d.written = append(d.written, string(p))
	return len(p), nil
}

func (d *disk) fill(full bool, room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full, d.room = full, room
}

func (d *disk) holds() (writes int, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.written), strings.Join(d.written, "")
}

func TestAStormIsWrittenInFewPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to disk
		o := NewOutlet(&to, asText)
		log := slog.New(o.Handler())
		log.Info("alone")
		synctest.Wait()
		if writes, _ := to.holds(); writes != 1 {
			t.Errorf("%d writes: a line waits though nothing else is to do", writes)
		}
		for n := range 1000 {
			log.Info("storm", "n", n)
		}
		o.Close(time.Second)
		writes, text := to.holds()
		if lines := strings.Count(text, "\n"); lines != 1001 || writes > 10 {
			t.Errorf("%d lines in %d writes", lines, writes)
		}
	})
}

// A disk is full, and then it is not.
func TestLinesThatCantBeWrittenAreTold(t *testing.T) {
	for name, format := range map[string]func(io.Writer) slog.Handler{"lines=3": asText, `"lines":3`: asJSON} {
		synctest.Test(t, func(t *testing.T) {
			to := disk{full: true}
			o := NewOutlet(&to, format)
			log := slog.New(o.Handler())
			log.Info("first")
			time.Sleep(time.Second)
			to.fill(true, len("half"))
			log.Info("second")
			log.Info("third")
			time.Sleep(time.Second)
			to.fill(false, 0)
			log.Info("fourth")
			o.Close(time.Second)
			_, said := to.holds()
			if strings.Count(said, "\n") != 2 || !strings.Contains(said, "fourth") || !strings.Contains(said, name) || !strings.Contains(said, "log lines were lost") {
				t.Errorf("written:\n%s", said)
			}
		})
	}
}

// Who wants errors only wants no warnings about lines either.
func TestLossesAreToldAtTheLevelOfALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := disk{full: true}
		o := NewOutlet(&to, func(to io.Writer) slog.Handler {
			return slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelError})
		})
		slog.New(o.Handler()).Error("first")
		time.Sleep(time.Second)
		to.fill(false, 0)
		slog.New(o.Handler()).Error("second")
		o.Close(time.Second)
		if _, said := to.holds(); strings.Count(said, "\n") != 1 {
			t.Errorf("written:\n%s", said)
		}
	})
}

// After a storm its room is given back.
func TestAnIdleOutletIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOutlet(io.Discard, asText)
		log := slog.New(o.Handler())
		for n := range 5000 {
			log.Info("storm", "n", strconv.Itoa(n)+strings.Repeat("x", 50))
		}
		for range 3 {
			time.Sleep(time.Second)
			log.Info("calm")
		}
		time.Sleep(time.Second)
		o.Close(time.Second)
		if size := cap(o.lines); size > outletSpare {
			t.Errorf("%d bytes are kept", size)
		}
	})
}

// BenchmarkOutlet is what a line costs whoever logs it.
func BenchmarkOutlet(b *testing.B) {
	for name, outlet := range map[string]bool{"direct": false, "outlet": true} {
		b.Run(name, func(b *testing.B) {
			out, in, err := os.Pipe()
			if err != nil {
				b.Fatal(err)
			}
			read := make(chan struct{})
			go func() {
				defer close(read)
				_, _ = io.Copy(io.Discard, bufio.NewReaderSize(out, 64<<10))
			}()
			o := NewOutlet(in, asJSON)
			log := slog.New(asJSON(in))
			if outlet {
				log = slog.New(o.Handler())
			}
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(b.Context(), slog.LevelInfo, "session opened", slog.Int("n", b.N))
			}
			b.StopTimer()
			o.Close(patience)
			_ = in.Close()
			<-read
		})
	}
}
