package proxy_test

import (
	"net/netip"
	"strings"
	"time"

	"github.com/fairlead/fairlead/proxy"
	"github.com/fairlead/fairlead/proxy/model"
)

// asking returns knock with another first line and Host, and further lines.
func asking(first, host string, lines ...string) string {
	return first + "\r\nHost: " + host + strings.TrimPrefix(knock, "GET /room HTTP/1.1\r\nHost: chat.example.com")[:len(knock)-len("GET /room HTTP/1.1\r\nHost: chat.example.com")-2] +
		strings.Join(append(lines, ""), "\r\n") + "\r\n"
}

// plus returns knock with further lines.
func plus(lines ...string) string { return asking("GET /room HTTP/1.1", host, lines...) }

// but returns knock with something else in the place of something.
func but(something, else_ string) string { return strings.Replace(knock, something, else_, 1) }

// swapping returns enter with something else in the place of something.
func swapping(something, else_ string) string { return strings.Replace(enter, something, else_, 1) }

const frames = hello + bye

var ways = map[string]way{
	"as every browser does": {has: `"\x81\x05world\x88\x02\x03\xe8"`, request: plus(
		"Pragma: no-cache", "Cache-Control: no-cache", "Origin: https://chat.example.com", "User-Agent: Mozilla/5.0 (X11)", "DNT: 1",
		"Accept-Encoding: gzip, deflate, br", "Accept-Language: en", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
		"Sec-WebSocket-Protocol: chat, superchat", "Cookie: a=b; c=d") + frames},
	"without a word": {has: "reason=Closed"},

	// Requests.
	"escapes in the path":            {request: asking("GET /a%2Fb%20c/%C3%BC?x=%2F;y=%00&z HTTP/1.1", host) + frames, has: `GET /a%2Fb%20c/%C3%BC?x=%2F;y=%00&z HTTP/1.1`},
	"odd characters in the path":     {request: asking("GET /a!$&'()*+,;=:@/[]{}|\\^`\"<> HTTP/1.1", host) + frames},
	"bytes above 127 in the path":    {request: asking("GET /\xc3\xbc\xff?\xc3\xbc HTTP/1.1", host) + frames},
	"a bad escape":                   {request: asking("GET /%zz HTTP/1.1", host) + last, has: "400 Bad Request"},
	"a long path":                    {request: asking("GET /"+strings.Repeat("a/", 2000)+" HTTP/1.1", host) + frames},
	"an empty query":                 {request: asking("GET /room? HTTP/1.1", host) + frames, has: "GET /room? HTTP/1.1"},
	"many questions":                 {request: asking("GET /room??a?b HTTP/1.1", host) + frames},
	"a fragment":                     {request: asking("GET /room#here HTTP/1.1", host) + frames},
	"dots and slashes":               {request: asking("GET //a/../b/./c// HTTP/1.1", host) + frames},
	"a blank in the path":            {request: asking("GET /a b HTTP/1.1", host) + last},
	"a control in the path":          {request: asking("GET /a\x01b HTTP/1.1", host) + last},
	"an absolute URI":                {request: asking("GET http://chat.example.com/room HTTP/1.1", "other.example.com") + frames},
	"no path":                        {request: asking("GET * HTTP/1.1", host) + last},
	"another method":                 {request: asking("POST /room HTTP/1.1", host) + last, has: "BadHandshake"},
	"a method in lower case":         {request: asking("get /room HTTP/1.1", host) + last},
	"HTTP/1.0":                       {request: asking("GET /room HTTP/1.0", host) + last, has: "BadHandshake"},
	"HTTP/1.2":                       {request: asking("GET /room HTTP/1.2", host) + frames},
	"HTTP/2":                         {request: asking("GET /room HTTP/2.0", host) + last},
	"an empty line first":            {request: "\r\n" + knock + frames},
	"lines without CR":               {request: strings.ReplaceAll(knock, "\r\n", "\n") + frames},
	"a CR in a line":                 {request: plus("X-A: a\rb") + last},
	"a line that goes on":            {request: plus("X-A: a", " b") + frames},
	"a blank before the colon":       {request: plus("X-A : a") + last, has: "400 Bad Request"},
	"a name that is none":            {request: plus("X(A): a") + last},
	"no name":                        {request: plus(": a") + last},
	"no colon":                       {request: plus("X-A") + last},
	"an empty value":                 {request: plus("X-A:", "X-B: \t ") + frames},
	"blanks around a value":          {request: plus("X-A: \t a b \t ") + frames, has: `X-A: a b\r\n`},
	"bytes above 127 in a value":     {request: plus("X-A: \xc3\xbc\xff") + frames},
	"a NUL in a value":               {request: plus("X-A: a\x00b") + last},
	"a name in its own spelling":     {request: plus("x-cuSTOM-name: a", "X-REAL-IP: 6.6.6.6", "DNT: 1", "x_forwarded_for: 6.6.6.6") + frames},
	"a name twice":                   {request: plus("X-A: a", "x-a: b", "X-B: c", "X-A: d") + frames},
	"WebSocket headers as they come": {request: but("Sec-WebSocket-Key", "sec-websocket-key") + frames},
	"no Host":                        {request: but("Host: chat.example.com\r\n", "") + last, has: "400 Bad Request"},
	"two Hosts":                      {request: plus("Host: chat.example.com") + last, has: "400 Bad Request"},
	"an empty Host":                  {request: asking("GET /room HTTP/1.1", "") + last},
	"a bad Host":                     {request: asking("GET /room HTTP/1.1", "chat/example") + last},
	"a Host with port and capitals":  {request: asking("GET /room HTTP/1.1", "CHAT.example.com.:8080") + frames, has: `X-Forwarded-Port: 8080`},
	"an IPv6 Host":                   {request: asking("GET /room HTTP/1.1", "[2001:db8::1]:80") + last},
	"content":                        {request: plus("Content-Length: 5") + "hello" + last, has: "BadHandshake"},
	"no content, as it says":         {request: plus("Content-Length: 0") + frames},
	"a bad length":                   {request: plus("Content-Length: -1") + last},
	"two lengths":                    {request: plus("Content-Length: 0", "Content-Length: 5") + last},
	"chunks":                         {request: plus("Transfer-Encoding: chunked") + "0\r\n\r\n" + last, has: "BadHandshake"},
	"chunks and a length":            {request: plus("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + last},
	"an expectation":                 {request: plus("Expect: 100-continue") + frames},
	"trailers":                       {request: plus("TE: trailers, deflate", "Trailer: X-A") + frames},
	"a no-cache of old":              {request: plus("Pragma: no-cache") + frames, has: `Pragma: no-cache`},
	"hop-by-hop headers":             {request: but("Connection: Upgrade", "Connection: keep-alive, Upgrade, X-Hop, Cookie") + frames},
	"hop-by-hop headers that are ours": {request: strings.Replace(plus("X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6"),
		"Connection: Upgrade", "Connection: Upgrade, X-Forwarded-For, X-Real-IP", 1) + frames},
	"more hop-by-hop headers":      {request: plus("Keep-Alive: timeout=5", "Proxy-Authorization: x", "HTTP2-Settings: AAMA", "Proxy: x", "Connection: X-Hop", "X-Hop: y") + frames},
	"a connection to be closed":    {request: but("Connection: Upgrade", "Connection: Upgrade, close") + frames},
	"upgrade in capitals":          {request: but("Upgrade: websocket", "Upgrade: WebSocket") + frames},
	"several upgrades":             {request: but("Upgrade: websocket", "Upgrade: h2c, websocket") + frames},
	"another upgrade":              {request: but("Upgrade: websocket", "Upgrade: chat") + last},
	"an upgrade to a version":      {request: but("Upgrade: websocket", "Upgrade: websocket/13") + last},
	"no Connection":                {request: but("Connection: Upgrade\r\n", "") + last, has: "NotWebSocket"},
	"who says who it is":           {request: plus("X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https") + frames, has: `X-Real-Ip: 127.0.0.1`},
	"who says it and is believed":  {request: plus("X-Forwarded-For: 6.6.6.6, 7.7.7.7", "X-Forwarded-Proto: https", "X-Forwarded-Port: 444") + frames, has: `X-Real-Ip: 7.7.7.7`, options: trusting},
	"a large head":                 {request: plus("X-A: "+strings.Repeat("a", 20<<10)) + frames},
	"a head that is too large":     {request: plus("X-A: "+strings.Repeat("a", 80<<10)) + last, has: "431 "},
	"many lines":                   {request: plus(strings.Split(strings.Repeat("X-A: a\r\n", 150), "\r\n")[:150]...) + frames},
	"two requests at once":         {request: knock + knock + last, answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", has: "403 Forbidden"},
	"a page behind it":             {request: knock + last, answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", has: "404 Not Found"},
	"frames behind a refused head": {request: knock + frames + "\r\n\r\n", answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", has: "400 Bad Request"},

	// Refusals.
	"no route":          {request: asking("GET /room HTTP/1.1", "nobody.example.com") + last, has: "NoRoute"},
	"another version":   {request: but("Version: 13", "Version: 8") + last, has: "BadVersion"},
	"two versions":      {request: plus("Sec-WebSocket-Version: 8") + last, has: "BadVersion"},
	"a short key":       {request: but("dGhl", "") + last, has: "BadHandshake"},
	"two keys":          {request: plus("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") + last, has: "BadHandshake"},
	"no key":            {request: but("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "") + last, has: "BadHandshake"},
	"a page":            {request: "GET /room HTTP/1.1\r\nHost: chat.example.com\r\n\r\n" + last, has: "NotWebSocket"},
	"a route for pages": {request: knock + last, has: "ProtocolRefused", route: func(r *model.Route) { r.Protocols = model.HTTP }},
	"no endpoint":       {request: knock + last, has: "NoEndpoint", route: func(r *model.Route) { r.Backends = nil }},

	// Routes.
	"another path and host": {has: "Host: inner", route: func(r *model.Route) {
		r.Rewrite = model.Rewrite{Host: "inner", ReplacePrefix: true, PrefixReplacement: "/v2"}
	}},
	"a cookie of ours": {has: "Set-Cookie", route: func(r *model.Route) { r.Balance.Sticky = &model.StickyCookie{Mode: model.Persistent, Name: "S"} }},
	"a cookie of ours on a refusal": {request: knock + last, answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nno", has: "S=",
		route: func(r *model.Route) { r.Balance.Sticky = &model.StickyCookie{Mode: model.Persistent, Name: "S"} }},
	"no time to answer": {request: knock + last, answer: "HTTP/1.1 1", has: "EndpointReset"},

	// Answers.
	"more headers on the 101": {answer: swapping("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\nsec-websocket-extensions: permessage-deflate\r\n"+
		"Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nServer: x\r\nKeep-Alive: 5\r\nContent-Length: 5\r\nX-Hop: y\r\nX-Odd: \xff\r\n\r\n") + world + byeBye},
	"headers of one hop on the 101":  {answer: swapping("Connection: Upgrade", "Connection: upgrade, X-Hop\r\nX-Hop: y") + world + byeBye},
	"a 101 without reason":           {answer: swapping(" Switching Protocols", "") + world + byeBye},
	"a 101 with another reason":      {answer: swapping(" Switching Protocols", " \xff Fine") + world + byeBye},
	"a 101 that closes":              {request: knock + last, answer: swapping("Connection: Upgrade", "Connection: Upgrade, close"), has: "BadUpgrade"},
	"a 101 in capitals":              {answer: swapping("Upgrade: websocket", "UPGRADE: WEBSOCKET") + world + byeBye},
	"a 101 to two protocols":         {request: knock + last, answer: swapping("Upgrade: websocket", "Upgrade: websocket, chat") + world},
	"a 101 in two upgrades":          {request: knock + last, answer: swapping("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket") + world},
	"a 101 with lines without CR":    {answer: strings.ReplaceAll(enter, "\r\n", "\n") + world + byeBye},
	"a 101 with a line that goes on": {answer: swapping("\r\n\r\n", "\r\nX-A: a\r\n b\r\n\r\n") + world + byeBye},
	"a 101 with a name that is none": {answer: swapping("\r\n\r\n", "\r\nX A: a\r\n\r\n") + world + byeBye},
	"a 101 with chunks":              {answer: swapping("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n") + world + byeBye},
	"a 101 with a trailer":           {answer: swapping("\r\n\r\n", "\r\nTrailer: X-A\r\n\r\n") + world + byeBye},
	"a 101 of HTTP/1.0":              {request: knock + last, answer: swapping("HTTP/1.1", "HTTP/1.0"), has: "BadUpgrade"},
	"a 101 of HTTP/2":                {answer: swapping("HTTP/1.1", "HTTP/2.0") + world + byeBye},
	"a 1011":                         {request: knock + last, answer: swapping("101 ", "1011 ")},
	"a large 101":                    {answer: swapping("\r\n\r\n", "\r\nX-A: "+strings.Repeat("a", 20<<10)+"\r\n\r\n") + world + byeBye},
	"a 101 that is too large":        {request: knock + last, answer: swapping("\r\n\r\n", "\r\nX-A: "+strings.Repeat("a", 80<<10)+"\r\n\r\n"), has: "BadUpgrade"},
	"an interim answer":              {answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + enter + world + byeBye, has: "101 Switching"},
	"too many interim answers":       {request: knock + last, answer: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6) + enter, has: "BadUpgrade"},
	"garbage":                        {request: knock + last, answer: "SSH-2.0-x\r\n", has: "BadUpgrade"},
	"nothing":                        {request: knock + last, answer: " ", has: "EndpointReset"},
	"a wrong key":                    {request: knock + last, answer: swapping("s3p", "S3P"), has: "BadUpgrade"},
	"an answer without content":      {request: knock + last, answer: "HTTP/1.1 204 No Content\r\nX-A: a\r\n\r\n"},
	"an answer up to the end":        {request: knock + last, answer: "HTTP/1.1 200 OK\r\nX-A: a\r\n\r\nall of it"},
	"an answer in chunks":            {request: knock + last, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: t\r\n\r\n"},
	"half an answer":                 {request: knock + last, answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", has: "unexpected EOF"},
	"a redirect":                     {request: knock + last, answer: "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"},
	"what to upgrade to":             {request: knock + last, answer: "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: chat\r\nContent-Length: 0\r\n\r\n"},
	"what needs authentication":      {request: knock + last, answer: "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno"},
}

// trusting believes what a client on this machine says.
func trusting(o *proxy.Options) {
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	o.Drain.Timeout = time.Second
}
