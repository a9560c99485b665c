// Package fleet is many clients of the kind that real users have: each holds a socket to an echo, sends a numbered message every
// second, wants it back in order, notices when nothing comes any more, and connects again after a short random pause when its
// socket ends. What the clients live through is written down, and a [Report] tells it: how sockets ended, how long their users
// were away, which handshakes were refused, which messages never came back.
//
// The sockets end at a chat server (package chat), whose greeting tells which pod answered and through which replica.
package fleet
