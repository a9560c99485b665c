package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/fairlead/fairlead/test/chat"
)

// examplePods is where the EndpointSlices in examples/ point.
var examplePods = []string{"127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"}

// pods runs chat servers on addresses, so that examples/ has something to lead to, until it is told to stop.
func pods(addresses []string, out io.Writer) (err error) {
	if len(addresses) == 0 {
		addresses = examplePods
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var servers []*chat.Server
	defer func() {
		patience, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		for _, server := range servers {
			err = errors.Join(err, server.Shutdown(patience))
		}
	}()
	for i, address := range addresses {
		server, err := chat.Listen(address, chat.Options{Pod: fmt.Sprintf("pod-%d", i+1)})
		if err != nil {
			return err
		}
		servers = append(servers, server)
		tell(out, "pod-%d serves http://%s", i+1, server.Address())
	}
	<-ctx.Done()
	return nil
}
