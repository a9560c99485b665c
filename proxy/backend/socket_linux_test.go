package backend

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// options reads what SetOptions sets.
func options(t *testing.T, fd int) (got [5]int) {
	t.Helper()
	for i, o := range [...][2]int{
		{syscall.IPPROTO_TCP, syscall.TCP_NODELAY}, {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT},
	} {
		value, err := syscall.GetsockoptInt(fd, o[0], o[1])
		if err != nil {
			t.Fatal(err)
		}
		got[i] = value
	}
	return got
}

// bare makes a socket without package net.
func bare(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return fd
}

func TestEverySocketTowardsAnEndpointHasTheSameOptions(t *testing.T) {
	fd := bare(t)
	if err := SetOptions(fd); err != nil {
		t.Fatal(err)
	}
	want := [...]int{1, 1, 30, 10, 3}
	if got := options(t, fd); got != want {
		t.Errorf("made without package net: %v, want %v", got, want)
	}
	answer := upgrade(t, Endpoint{Address: endpoint(t, answering(good101))}, chat(), calm)
	raw, err := answer.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if got := options(t, int(fd)); got != want {
			t.Errorf("dialled: %v, want %v", got, want)
		}
	}); err != nil {
		t.Error(err)
	}
	if err := SetOptions(-1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("options of no socket: %v", err)
	}
}

// Who connects and waits with system calls of its own tells the same failures as Upgrade does.
func TestFailuresOfBareSocketsReadTheSame(t *testing.T) {
	nobody := Endpoint{Address: vacant(t)}
	at := &syscall.SockaddrInet4{Port: int(nobody.Address.Port()), Addr: nobody.Address.Addr().As4()}
	refused := NotConnected(nobody, calm.Connect, syscall.Connect(bare(t), at))
	_, dialled := Upgrade(t.Context(), nobody, chat(), calm)
	wantFailure(t, nil, refused, model.ConnectFailed, http.StatusBadGateway, true)
	var want *Failure
	if !errors.As(dialled, &want) || refused.Error() != want.Error() || refused.Refusal.Err.Error() != want.Refusal.Err.Error() {
		t.Errorf("%v (%v), Upgrade says %v (%v)", refused, refused.Refusal.Err, dialled, want.Refusal.Err)
	}
	secure := Endpoint{Address: netip.MustParseAddrPort("192.0.2.1:443"), TLS: true}
	r, post := chat(), &Request{Method: "POST"}
	for _, c := range []struct {
		name    string
		failure *Failure
		reason  model.Reason
		status  int
		retry   bool
	}{
		{"no way there", NotConnected(secure, time.Second, syscall.EHOSTUNREACH), model.ConnectFailed, 502, true},
		{"the kernel gave up", NotConnected(secure, 0, syscall.ETIMEDOUT), model.ConnectTimeout, 504, true},
		{"our timer", NotConnected(secure, time.Second, os.ErrDeadlineExceeded), model.ConnectTimeout, 504, true},
		{"no answer in time", r.NotAnswered(time.Second, false, os.ErrDeadlineExceeded), model.HandshakeTimeout, 504, false},
		{"reset before a word", r.NotAnswered(time.Second, false, syscall.ECONNRESET), model.EndpointReset, 502, true},
		{"the end in the middle", r.NotAnswered(time.Second, true, io.ErrUnexpectedEOF), model.EndpointReset, 502, false},
		{"the end, on a POST", post.NotAnswered(time.Second, false, io.ErrUnexpectedEOF), model.EndpointReset, 502, false},
		{"the client left", ClientGone(context.Canceled), model.ClientGone, statusClientGone, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFailure(t, nil, c.failure, c.reason, c.status, c.retry)
			if c.failure.Refusal.Err == nil {
				t.Error("the cause is missing")
			}
		})
	}
}
