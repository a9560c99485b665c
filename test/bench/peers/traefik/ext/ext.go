// Package ext stands in for a module that lives inside of Traefik's repository and is published
// nowhere: the points at which an edition of Traefik may add settings. There are none here.
package ext

type (
	// HTTP adds nothing to the HTTP configuration.
	HTTP struct{}
	// Router adds nothing to a router.
	Router struct{}
	// RouterIng adds nothing to what annotations of an Ingress say of a router.
	RouterIng struct{}
)

// ToRouter is what annotations become.
func (RouterIng) ToRouter() Router { return Router{} }
