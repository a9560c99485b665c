// Package names knows the addresses of the names that Services of type ExternalName lead to. It asks
// the resolver of the machine, asks again now and then, and keeps the last good answer while it can't.
package names
