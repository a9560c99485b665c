package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/test/chat"
)

// talk keeps a socket open, prints what it hears and sends the lines it reads; when the socket ends it opens the next one.
func talk(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("chat [URL]", flag.ContinueOnError)
	name := flags.String("name", "", "`name` under which the others see you")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var at ports
	if err := at.add(flag.NewFlagSet("", flag.ContinueOnError)); err != nil {
		return err
	}
	target := flags.Arg(0)
	if target == "" {
		target = fmt.Sprintf("ws://chat.localhost:%d/socket", at.HTTP)
	}
	address, err := url.Parse(target)
	if err != nil {
		return err
	}
	if *name != "" {
		query := address.Query()
		query.Set("name", *name)
		address.RawQuery = query.Encode()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	lines := make(chan string)
	go func() {
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	for ctx.Err() == nil {
		conn, err := open(ctx, address.String(), "")
		if err != nil {
			note(out, "no socket: %v", err)
		} else {
			converse(ctx, conn, lines, out)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

// converse lasts as long as one socket.
func converse(ctx context.Context, conn *websocket.Conn, lines <-chan string, out io.Writer) {
	since := time.Now()
	ended := make(chan struct{})
	var why error
	go func() {
		defer close(ended)
		for {
			var data []byte
			if _, data, why = conn.ReadMessage(); why != nil {
				return
			}
			show(out, data)
		}
	}()
	defer func() { _ = conn.Close() }()
	for {
		select {
		case line := <-lines:
			if err := conn.WriteMessage(websocket.TextMessage, []byte(line)); err != nil {
				note(out, "not sent: %v", err)
			}
		case <-ended:
			note(out, "socket ended after %s: %v", time.Since(since).Round(time.Second), why)
			return
		case <-ctx.Done():
			text := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			if err := conn.WriteControl(websocket.CloseMessage, text, time.Now().Add(time.Second)); err == nil {
				select {
				case <-ended: // the other side's Close
				case <-time.After(time.Second):
				}
			}
			return
		}
	}
}

// show prints one message of the server.
func show(out io.Writer, data []byte) {
	var hello chat.Hello
	var message chat.Message
	if err := errors.Join(json.Unmarshal(data, &hello), json.Unmarshal(data, &message)); err != nil {
		note(out, "heard %q", data)
		return
	}
	switch message.Type {
	case chat.TypeHello:
		note(out, "pod %s at %s answered", hello.Pod, hello.Address)
	case chat.TypePeople:
		note(out, "%d on this pod", message.People)
	case chat.TypeMessage:
		tell(out, "%s: %s", message.From, message.Text)
	}
}

func note(out io.Writer, format string, args ...any) {
	tell(out, "%s %s", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// open dials a URL whose host ends with .localhost, at an address or, when that is empty, at 127.0.0.1 and the URL's port.
func open(ctx context.Context, target, address string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{
		HandshakeTimeout: 10 * time.Second,
		NetDialContext: func(ctx context.Context, network, host string) (net.Conn, error) {
			name, port, err := net.SplitHostPort(host)
			if err != nil {
				return nil, err
			}
			switch {
			case address != "":
				host = address
			case strings.HasSuffix(name, ".localhost"): // not every resolver knows RFC 6761 section 6.3
				host = net.JoinHostPort("127.0.0.1", port)
			}
			return new(net.Dialer).DialContext(ctx, network, host)
		},
	}
	if cert, err := os.ReadFile(certFile); err == nil {
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(cert)
		dialer.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	conn, answer, err := dialer.DialContext(ctx, target, nil)
	if err != nil && answer != nil {
		body, _ := io.ReadAll(answer.Body) // what gorilla kept of it
		return nil, fmt.Errorf("%s: %s: %s", target, answer.Status, strings.TrimSpace(string(body)))
	}
	return conn, err
}
