// Package feature tells stories as users live them: manifests are applied, sockets are opened
// through the real data plane on loopback, and what comes back is compared.
//
// The path is that of standalone mode: files, snapshot, translate, table, proxy. What needs an API
// server is told in test/api and test/e2e.
package feature
