// Package controllers runs the Kubernetes side of Fairlead: it turns what a cluster, or a folder of
// manifests, holds into route tables for the data plane, and tells the owners of objects what became
// of them.
//
// Every replica reads and publishes (routing_controller.go): informers hold the objects (caches.go), and
// what these refer to, or what may be forbidden or missing, comes by other ways (needs.go). One of them,
// the leader, writes status and Events (status_controller.go, leader.go), knows the pods of the others
// (replicas.go), and rotates the keys of TLS session tickets that all of
// them share (ticket_controller.go). Nothing in here ends the process when the API server goes away:
// the data plane goes on with its last table.
package controllers
