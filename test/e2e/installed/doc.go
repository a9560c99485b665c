// Package installed tells the stories of somebody who installs Fairlead into a real cluster with the chart and works with it:
// images, kubectl, helm, nodes, a load balancer, and users with open sockets (package fleet) who come from outside of the cluster.
//
//	make e2e                                              # all stories
//	make e2e ARGS='-run TestScale -v'                     # one of them
//
// The stories share one cluster of two nodes (package nodes) and, unless they install their own, one release of the chart. They run
// one after the other, each in namespaces of its own with Pod Security "restricted". Without TEST_NODES=required they are skipped.
package installed
