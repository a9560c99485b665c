// Naive is the WebSocket proxy that one writes in twenty lines with net/http: the measure for what
// more effort brings.
//
//	naive HTTP HTTPS CERTIFICATE KEY BACKEND…
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"os"
	"sync/atomic"
)

func main() {
	plain, secure, certificate, key, backends := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5:]
	var n atomic.Uint64
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme = "http"
		r.Out.URL.Host = backends[n.Add(1)%uint64(len(backends))]
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	go func() { log.Fatal(http.ListenAndServe(plain, proxy)) }()       //nolint:gosec // naive
	log.Fatal(http.ListenAndServeTLS(secure, certificate, key, proxy)) //nolint:gosec // naive
}
