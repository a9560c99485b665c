// Package migrate runs the real nginx with configurations as people write them, and Fairlead with what
// "fairlead migrate nginx" makes of them, side by side before the same backends, and compares what
// clients and backends see.
package migrate

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
)

// ask is a request or, without a method, a WebSocket handshake.
type ask struct {
	method string
	host   string
	path   string
	tls    bool
	header map[string]string
	// differs names the deliberate differences that this one meets.
	differs []string
}

func (a ask) String() string {
	scheme, method := "http", a.method
	if method == "" {
		method = "WebSocket"
	}
	if a.tls {
		scheme = "https"
	}
	return fmt.Sprintf("%s %s://%s%s %v", method, scheme, a.host, a.path, a.header)
}

// answer is what came of it: fields by name, so that a difference can name them.
type answer map[string]string

// fieldsOfRequest are the headers of which nginx and Fairlead must tell backends the same.
var fieldsOfRequest = []string{"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Api-Key", "X-User", "X-Scheme"}

// ofAnswer are the headers that clients must see the same.
var ofAnswer = []string{"Location", "X-Frame-Options", "X-Powered-By", "Strict-Transport-Security",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods"}

// send asks a proxy.
func (p peer) send(a ask) (answer, error) {
	address := p.http
	if a.tls {
		address = p.https
	}
	if a.method == "" {
		return shake(address, a)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true, ServerName: a.host}, //nolint:gosec // the certificates are the test's own
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	scheme := "http"
	if a.tls {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, a.method, scheme+"://"+a.host+a.path, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	got := seen(response)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var h heard
	if response.StatusCode == http.StatusOK && json.Unmarshal(body, &h) == nil {
		h.into(got)
	}
	return got, nil
}

func dialerTo(address string, a ask) websocket.Dialer {
	return websocket.Dialer{
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		TLSClientConfig:  &tls.Config{InsecureSkipVerify: true, ServerName: a.host}, //nolint:gosec // the certificates are the test's own
		HandshakeTimeout: patience,
	}
}

// dial opens a socket in the clear.
func dial(address string, a ask) (*websocket.Conn, error) {
	dialer := dialerTo(address, a)
	conn, response, err := dialer.Dial("ws://"+a.host+a.path, nil)
	if response != nil {
		_ = response.Body.Close()
	}
	return conn, err
}

// shake opens a socket, hears what the backend was asked, and has a message echoed.
func shake(address string, a ask) (answer, error) {
	dialer := dialerTo(address, a)
	scheme := "ws"
	if a.tls {
		scheme = "wss"
	}
	header := http.Header{}
	for name, value := range a.header {
		header.Set(name, value)
	}
	conn, response, err := dialer.Dial(scheme+"://"+a.host+a.path, header)
	if response == nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	got := seen(response)
	if errors.Is(err, websocket.ErrBadHandshake) {
		return got, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	var h heard
	if err := conn.ReadJSON(&h); err != nil {
		return nil, err
	}
	h.into(got)
	if err := conn.WriteMessage(websocket.TextMessage, []byte("echo")); err != nil {
		return nil, err
	}
	_, message, err := conn.ReadMessage()
	if err != nil {
		return nil, err
	}
	got["Echo"] = string(message)
	return got, nil
}

func seen(r *http.Response) answer {
	got := answer{"Status": r.Status[:3]}
	for _, name := range ofAnswer {
		if value := r.Header.Get(name); value != "" {
			got[name] = value
		}
	}
	return got
}

func (h heard) into(got answer) {
	got["Backend"], got["URI"], got["Host"] = h.Backend, h.URI, h.Host
	for _, name := range fieldsOfRequest {
		if value := h.Header.Get(name); value != "" {
			got["to backend: "+name] = value
		}
	}
}

// difference is meant, and has a reason.
type difference struct {
	fields []string
	reason string
	// chance says that it may be there or not.
	chance bool
}

var differences = map[string]difference{
	"AlwaysForwarded": {fields: []string{"to backend: X-Real-Ip", "to backend: X-Forwarded-For", "to backend: X-Forwarded-Proto"},
		reason: "Fairlead tells backends who asked, whether or not somebody wrote it down"},
	"NoTrust":       {fields: []string{"to backend: X-Forwarded-For"}, reason: "X-Forwarded-For of a client that is no trusted proxy is dropped, where nginx adds to it"},
	"SlashServed":   {fields: []string{"Status", "Location", "Backend", "URI", "Host", "Echo", "X-Powered-By"}, reason: "nginx sends /x to /x/ when that is a location; WebSocket clients follow no redirect, so that Fairlead serves both"},
	"WorksNow":      {fields: []string{"Status", "Backend", "URI", "Host", "Echo", "X-Powered-By"}, reason: "without Upgrade and Connection no WebSocket got through nginx; in Fairlead it does"},
	"ClientsHost":   {fields: []string{"Host"}, reason: "without proxy_set_header Host nginx sends the name in proxy_pass, Fairlead the client's"},
	"Closed":        {fields: []string{"Status", "Backend", "URI", "Host", "Echo", "X-Powered-By"}, reason: "what guards a path and can't be kept closes it"},
	"OtherShare":    {chance: true, fields: []string{"Backend"}, reason: "equal values meet at one server, and which one it is each proxy decides by itself"},
	"AbsentPage":    {fields: []string{"Status"}, reason: "Fairlead answers what it refuses with 403, and what it doesn't serve with 404"},
	"Permanent":     {fields: []string{"Status"}, reason: "308 keeps the method of a request, 301 and 302 don't"},
	"OnEveryAnswer": {fields: []string{"X-Frame-Options", "Strict-Transport-Security"}, reason: "headers of answers are on the 101 and on errors too"},
	"PortStays":     {fields: []string{"Host"}, reason: "$host is without the port of the client's Host, which Fairlead leaves as it is"},
	"CORSAsAsked": {fields: []string{"Access-Control-Allow-Methods", "Access-Control-Allow-Credentials"},
		reason: "CORS headers are on all answers to requests with Origin, and on no others"},
	"WholeURL": {fields: []string{"Location"}, reason: "nginx makes a whole URL of a path, with its own port"},
	"Lost":     {fields: []string{"Status", "Location", "Backend", "URI", "Host", "Echo", "X-Powered-By"}, reason: "the report says that it is lost"},
}

// compare sends everything to both and wants the same, but for what differs on purpose. A difference
// that is named and not there is a mistake too.
func compare(t *testing.T, original, ours peer, asks []ask) {
	t.Helper()
	for _, a := range asks {
		want, err := original.send(a)
		if err != nil {
			t.Errorf("%s: nginx: %v", a, err)
			continue
		}
		got, err := ours.send(a)
		if err != nil {
			t.Errorf("%s: fairlead: %v", a, err)
			continue
		}
		allowed := map[string]bool{}
		for _, name := range a.differs {
			d, known := differences[name]
			if !known {
				t.Fatalf("%s: no difference is called %s", a, name)
			}
			met := false
			for _, field := range d.fields {
				allowed[field] = true
				met = met || want[field] != got[field]
			}
			if !met && !d.chance {
				t.Errorf("%s: the difference %s is not there any more\nnginx    %v\nfairlead %v", a, name, want, got)
			}
		}
		for _, field := range differences["AlwaysForwarded"].fields {
			allowed[field] = allowed[field] || want[field] == ""
		}
		for field := range union(want, got) {
			if want[field] != got[field] && !allowed[field] {
				t.Errorf("%s: %s is %q in nginx and %q in Fairlead\nnginx    %v\nfairlead %v", a, field, want[field], got[field], want, got)
			}
		}
	}
}

func union(a, b answer) map[string]bool {
	all := map[string]bool{}
	for name := range a {
		all[name] = true
	}
	for name := range b {
		all[name] = true
	}
	return all
}

// ready waits until a proxy serves.
func ready(t *testing.T, p peer, a ask) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got, err := p.send(a)
		if err == nil && got["Status"] != "503" && got["Status"] != "502" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready: %v, %v", p.name, got, err)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // there is nothing to wait for but an answer
	}
}

// side starts both proxies for a configuration.
func side(t *testing.T, name string, kind nginx.Kind, first ask) (original, ours peer) {
	t.Helper()
	binary := findNginx(t)
	folder := filepath.Join("..", "..", "controllers", "migrate", "nginx", "testdata")
	if slices.Contains([]string{"idle", "guards"}, name) {
		folder = "testdata"
	}
	s := newStage(t, filepath.Join(folder, name+".conf"))
	original, ours = s.startNginx(t, binary), s.startFairlead(t, kind)
	ready(t, original, first)
	ready(t, ours, first)
	return original, ours
}
