// Package chat is a small WebSocket server that stands behind Fairlead in tests and in the demo:
// a chat room with a web page, and an echo.
//
//	GET /socket             a socket of the chat room: what one client says, all clients of this server hear
//	GET /socket?mode=echo   a socket that answers every message with the same message
//	GET /socket?name=ann    the name under which the others see this client
//	GET /healthz            "ok"
//	GET anything else       the web page
//
// The paths may have any prefix (/team/a/socket), so that the server works behind a rewrite and
// without one. The first message of each socket is a [Hello], which tells who answered; it and
// the messages of the room are JSON texts, see [Message].
package chat
