package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// mostAddresses bounds how many addresses of a name are tried.
const mostAddresses = 8

// unreached is an address that took no connection.
type unreached struct {
	address netip.Addr
	finding Finding
}

// connect resolves the name and connects to the first of its addresses that takes a connection.
func (t *trial) connect(ctx context.Context) Finding {
	host, port := t.at.host, t.at.port
	if t.o.ConnectTo != "" {
		host, port, _ = net.SplitHostPort(t.o.ConnectTo)
	}
	addresses := []netip.Addr{t.only}
	if !t.only.IsValid() {
		var f Finding
		if addresses, f = t.resolve(ctx, host); f != Works {
			return f
		}
	}
	finding := ConnectFailed
	for i, address := range addresses {
		to := net.JoinHostPort(address.String(), port)
		t.report.seen.address = to
		if finding = t.dial(ctx, to); finding == Works {
			t.report.seen.left = addresses[i+1:]
			return Works
		}
		t.report.seen.unreached = append(t.report.seen.unreached, unreached{address, finding})
		if ctx.Err() != nil {
			break
		}
	}
	return finding
}

// resolve returns the addresses of a host, IPv6 first as most clients prefer it.
func (t *trial) resolve(ctx context.Context, host string) ([]netip.Addr, Finding) {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address}, Works
	}
	done := t.step(StepResolve)
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	addresses, err := t.o.Resolve(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if err != nil {
		done(false, err.Error())
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return nil, t.fails(NameNotFound, err)
		}
		return nil, t.fails(NameFailed, err)
	}
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	slices.SortStableFunc(addresses, func(a, b netip.Addr) int { return b.BitLen() - a.BitLen() })
	addresses = slices.Compact(addresses)
	var list []string
	for _, a := range addresses {
		list = append(list, a.String())
	}
	saw := host + " is " + strings.Join(list, ", ")
	if len(addresses) > mostAddresses {
		saw += fmt.Sprintf("; the first %d are tried", mostAddresses)
		addresses = addresses[:mostAddresses]
	}
	done(true, saw)
	return addresses, Works
}

// dial connects to one address.
func (t *trial) dial(ctx context.Context, to string) Finding {
	done := t.step(StepConnect)
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	conn, err := t.o.Dial(ctx, "tcp", to)
	if err == nil {
		t.conn, t.in = conn, bufio.NewReader(conn)
		done(true, to)
		return Works
	}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		done(false, to+": refused")
		return t.fails(ConnectRefused, err)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		done(false, fmt.Sprintf("%s: no answer within %v", to, t.o.Timeout))
		return t.fails(ConnectTimeout, err)
	}
	done(false, fmt.Sprintf("%s: %v", to, rootCause(err)))
	return t.fails(ConnectFailed, err)
}

// rootCause is the innermost error, without the addresses that change from run to run.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
