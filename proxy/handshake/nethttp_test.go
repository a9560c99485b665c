package handshake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"testing"
	"time"
)

// oracle is net/http's server, which says how it reads what a connection brings.
type oracle struct{ conns chan *brought }

// brought is a connection that brings some bytes and no more, and is told what became of them.
type brought struct {
	net.Conn
	bytes.Reader
	request *http.Request // nil: refused
	rest    []byte        // what follows the request
	done    chan struct{}
}

func newOracle(t testing.TB) *oracle {
	o := &oracle{conns: make(chan *brought)}
	server := &http.Server{
		Handler:                      o,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            patience,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, o, c)
		},
	}
	served := make(chan error)
	go func() { served <- server.Serve(o) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return o
}

// reads returns the request that p begins with and what follows it; nil when net/http refuses it.
func (o *oracle) reads(p []byte) (*http.Request, []byte) {
	c := &brought{done: make(chan struct{})}
	c.Reset(p)
	o.conns <- c
	<-c.done
	return c.request, c.rest
}

func (o *oracle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(o).(*brought)
	_, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	c.request = r
	c.rest, _ = io.ReadAll(buffered)
	_ = c.Close()
}

func (o *oracle) Accept() (net.Conn, error) {
	c, ok := <-o.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (o *oracle) Close() error {
	close(o.conns)
	return nil
}

func (o *oracle) Addr() net.Addr { return &net.TCPAddr{} }

func (c *brought) Read(p []byte) (int, error)       { return c.Reader.Read(p) }
func (c *brought) Write(p []byte) (int, error)      { return len(p), nil }
func (c *brought) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *brought) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *brought) SetDeadline(time.Time) error      { return nil }
func (c *brought) SetReadDeadline(time.Time) error  { return nil }
func (c *brought) SetWriteDeadline(time.Time) error { return nil }

func (c *brought) Close() error {
	close(c.done)
	return nil
}

// wantEqual compares all exported fields of two requests or two answers but those named.
func wantEqual(t *testing.T, got, want any, but ...string) {
	t.Helper()
	g, w := reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem()
	for i := range w.NumField() {
		field := w.Type().Field(i)
		skip := !field.IsExported() || field.Type.Kind() == reflect.Func
		for _, name := range but {
			skip = skip || field.Name == name
		}
		if !skip && !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s: %#v, net/http has %#v", field.Name, g.Field(i), w.Field(i))
		}
	}
}

// checkRequest compares what ReadRequest makes of p with what net/http's server does.
func checkRequest(t *testing.T, o *oracle, p []byte) (accepted bool) {
	t.Helper()
	r, size := ReadRequest(p)
	if r == nil {
		if size != 0 {
			t.Errorf("no request, but a size of %d", size)
		}
		return false
	}
	want, rest := o.reads(p)
	if want == nil {
		t.Fatalf("net/http refuses %q", p)
	}
	wantEqual(t, r, want, "RemoteAddr", "TLS", "Cancel")
	if !bytes.Equal(p[size:], rest) {
		t.Errorf("leaves %q, net/http leaves %q", p[size:], rest)
	}
	return true
}

// checkSwitch compares what ReadSwitch makes of p with what net/http does.
func checkSwitch(t *testing.T, p []byte) (accepted, more bool) {
	t.Helper()
	got, size, more := ReadSwitch(p)
	reader := bufio.NewReader(bytes.NewReader(p))
	want, err := http.ReadResponse(reader, nil)
	if got == nil {
		if size != 0 || more && err == nil {
			t.Errorf("no answer, but a size of %d, more %t, and net/http says %v", size, more, err)
		}
		return false, more
	}
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", p, err)
	}
	wantEqual(t, got, want)
	if rest, _ := io.ReadAll(reader); !bytes.Equal(p[size:], rest) || more {
		t.Errorf("leaves %q, net/http leaves %q; more %t", p[size:], rest, more)
	}
	return true, false
}
