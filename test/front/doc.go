// Package front tells how Fairlead does behind other people's load balancers: the real nginx and the real
// HAProxy stand in front of it, on loopback, and clients come through them. docs/behind-a-load-balancer.md
// says what is proved here.
package front
