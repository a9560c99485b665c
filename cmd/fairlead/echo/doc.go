// Package echo is a WebSocket server that answers each message with the same message. It is in the image so that the
// first socket of a new installation, and `helm test`, need nothing else to lead to.
//
//	GET with Upgrade: websocket, any path   a socket; subprotocols are taken as they are offered
//	GET /healthz                            "ok"
//	GET anything else                       a line that tells who answers
//
// While it ends, all of these are answered with 503, and no socket is opened any more.
//
// Every answer, the 101 included, names the pod in the header X-Echo-Pod.
package echo
