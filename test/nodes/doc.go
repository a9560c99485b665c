// Package nodes runs a real Kubernetes cluster of several nodes for tests: etcd, kube-apiserver and the rest of the
// control plane, CoreDNS, and on each node containerd, kubelet and kube-proxy, so that pods are containers, addresses
// are routed, and a node can lose its power.
//
// # Where it lives
//
// [Main] starts the test binary again in mount, pid and network namespaces of its own; a small first process inside
// reaps orphans and ends with the tests. All state is on a tmpfs that only these namespaces see. When the tests end,
// or are killed, the kernel ends every process in there and forgets mounts, links and files: nothing is left on the
// machine but empty cgroup directories, which Main removes, or the next run does.
//
//	machine: Main, waits ──────────── cgroup directories fairlead-nodes-PID
//	└── world: first process, tests, control plane, load balancers      10.250.0.1
//	    ├── node1: first process, containerd, kubelet, kube-proxy       10.250.0.11
//	    └── node2                                                       10.250.0.12
//
// The network namespace of the tests is the world outside of the cluster; clients of the tests are clients from
// outside. The control plane lives there too, so that each node can go away without taking it along. A node is a
// machine with its own processes, mounts and network: killing its first process is a power cut.
//
// # What it needs
//
// Root, and the programs that [Missing] names. The control plane and the kubelet are built by hack/kube/build.sh nodes.
package nodes
