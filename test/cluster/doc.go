// Package cluster runs a real Kubernetes control plane for tests and for the demo: etcd and
// kube-apiserver (through controller-runtime's envtest), kube-controller-manager, and a [Node], which
// is a kubelet without containers: it runs a chat server per pod, so that Deployments, Services and
// EndpointSlices live the life that they live in a cluster.
//
// The binaries come from hack/kube/build.sh, which builds them into .cache/kube.
//
// # The network
//
// An API server refuses loopback addresses in an EndpointSlice, so each pod needs an address of its own
// that can be bound without being anybody's. Programs get them by running in a network namespace of their
// own, see [Run] and [Start]'s caller in test/e2e: inside, all of 10.244.0.0/16 is local. No root is
// needed for that, only the right to make a user namespace. Where even that is refused, all pods share the machine's own
// address on ports of their own, see [Network].
package cluster
