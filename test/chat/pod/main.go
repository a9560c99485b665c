package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fairlead/fairlead/test/chat"
)

func main() {
	var s settings
	flag.StringVar(&s.address, "address", ":8080", "host:port to listen on")
	flag.IntVar(&s.closeCode, "close-code", 1001, "code of the Close frames at the end (RFC 6455 section 7.4)")
	flag.DurationVar(&s.linger, "linger", 3*time.Second, "on SIGTERM, how long new sockets are still taken")
	flag.DurationVar(&s.goodbye, "goodbye", 5*time.Second, "then, how long clients may take to answer the Close frame")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "pod: unexpected argument %q; see --help\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pod:", err)
		os.Exit(1)
	}
}

type settings struct {
	address         string
	closeCode       int
	linger, goodbye time.Duration
	listening       func(*chat.Server) // nil: nobody wants to know
}

// run serves until ctx is done, and then says goodbye.
func run(ctx context.Context, s settings) error {
	var leaving atomic.Bool
	server, err := chat.Listen(s.address, chat.Options{
		CloseCode: s.closeCode,
		Before: func(w http.ResponseWriter, r *http.Request) bool {
			if !leaving.Load() || path.Base(r.URL.Path) != "healthz" {
				return false
			}
			http.Error(w, "this server is about to end", http.StatusServiceUnavailable)
			return true
		},
	})
	if err != nil {
		return err
	}
	slog.Info("serving", "address", server.Address())
	if s.listening != nil {
		s.listening(server)
	}
	<-ctx.Done()
	leaving.Store(true)
	slog.Info("leaving", "linger", s.linger, "sockets", server.Sessions())
	time.Sleep(s.linger)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.goodbye)
	defer cancel()
	slog.Info("saying goodbye", "sockets", server.Sessions(), "code", s.closeCode)
	return server.Shutdown(patience)
}
