// Package e2e holds the tests of the whole: the fairlead binary, as its ServiceAccount, against a real API server and the real
// controllers of Kubernetes, with real pods' sockets through it (test/cluster runs what stands for a kubelet).
//
//	go test -race ./test/e2e
//
// builds and runs a fairlead binary with the race detector too; a race that it finds fails the test that saw it.
// The tests run in a network namespace of their own and need no root.
package e2e
