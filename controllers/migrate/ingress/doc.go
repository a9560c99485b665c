// Package ingress tells what becomes of Ingresses that were written for ingress-nginx when their class is
// changed to Fairlead's: what works as it is, what works differently, and what is lost. It judges by the
// table of annotations and by the code that serves them, so that it cannot promise what is not kept. On
// request it writes WebSocketRoutes that say the same.
package ingress
