package main

import (
	"io"
	"net"
	"sync"
)

// relay accepts on a listener that was opened outside and passes each connection on to an address inside, byte by byte, until
// the listener is closed.
func relay(listener net.Listener, address string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			defer func() { _ = client.Close() }()
			server, err := net.Dial("tcp", address)
			if err != nil {
				return // not started yet, or gone: the client sees its connection end
			}
			defer func() { _ = server.Close() }()
			var both sync.WaitGroup
			both.Go(func() { pass(server, client) })
			both.Go(func() { pass(client, server) })
			both.Wait()
		}()
	}
}

// pass copies one direction, and then its end.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if tcp, ok := to.(*net.TCPConn); ok && err == nil {
		_ = tcp.CloseWrite() // the other direction may go on
		return
	}
	// A reset on one side is the end of both.
	_ = to.Close()
	_ = from.Close()
}
