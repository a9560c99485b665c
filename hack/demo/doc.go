// Command demo shows Fairlead at work on one machine, with nothing but Go: a real control plane (etcd, kube-apiserver,
// kube-controller-manager; see test/cluster), three chat pods, an Ingress, a WebSocketRoute, and fairlead
// controller in front.
//
// Two processes share the work. The outer one, which the user starts, builds what is missing, opens the
// ports on 127.0.0.1 and waits for Ctrl-C. The inner one lives in a network namespace, where each pod can have an address, and
// starts all else there. A listening socket belongs to the namespace in which it was opened, whoever accepts from it: so the
// outer process hands its listeners to the inner one, which passes each connection on to Fairlead.
package main
