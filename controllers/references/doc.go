// Package references keeps the Secrets and ConfigMaps that objects refer to, and no others: a replica
// shall hold no more of what is secret than it serves.
//
// Each namespace that is referred to has one watch, which keeps what is wanted and drops the rest as it
// arrives. Where RBAC forbids to list a namespace, each object is watched by its name, which a Role can
// allow with resourceNames. Where that is forbidden too, a sentence says what to write into a Role, and
// it is tried again; nobody waits for it.
package references
