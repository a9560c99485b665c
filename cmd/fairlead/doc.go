// Fairlead is a Kubernetes ingress controller for WebSocket workloads.
//
//	fairlead controller    in a cluster: the controllers and the proxy
//	fairlead standalone    without a cluster: the same over a folder of manifests
//	fairlead check         what manifests would do, and what is wrong with them
//	fairlead migrate       the configuration of another proxy, turned into manifests
//	fairlead probe         one WebSocket handshake against a URL, explained
//	fairlead echo          a WebSocket server that echoes, to try a route out
//	fairlead retire        delete a Deployment and wait until its replicas have said goodbye: what helm uninstall does first
//	fairlead version       what this binary is
//
// Under the name kubectl-fairlead it is a plugin: kubectl fairlead check -f manifests/.
//
// Every flag can also be given as an environment variable: --http-address is FAIRLEAD_HTTP_ADDRESS.
// The flag wins.
package main
