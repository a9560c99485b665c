// Package admin serves what an operator asks of one replica: whether it lives and is ready, its
// metrics, its route table and its live sessions.
//
// It reads and never changes anything. It shows client addresses and paths, so its address is not
// for the public. Whoever wires the process hands in funcs (see [Source]); nothing else is known here.
package admin
