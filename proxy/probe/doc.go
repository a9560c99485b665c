// Package probe does one WebSocket handshake against a URL, as a client would, and explains what
// came of it: which step failed, who answered, why, and what to change.
//
// A probe goes step by step: resolve the name, connect, TLS, request, answer, and behind a 101 a
// Ping that wants its Pong and, if asked for, a long silence. Each [Step] says what was seen and
// how long it took. When the first handshake fails, a few others that differ from it in one thing
// (a slash at the end, no subprotocol, the other scheme) tell causes apart. They are bounded, and
// shown like the first.
//
// What was seen is told apart from what it means: [Attempt] holds facts, [Verdict] the conclusion.
// A conclusion is one of the [Finding] constants, so that scripts can rely on it.
//
// A probe reads bytes that anybody may have sent, perhaps to mislead it: everything is bounded in
// size and time, and text from the other end is shown without control characters.
package probe
