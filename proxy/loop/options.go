package loop

import (
	"net"
	"time"
)

// KeepAlive finds peers, clients and endpoints alike, that vanished without a word: a probe after
// 30 s of silence, then every 10 s, and the connection is over when the third in a row stays
// unanswered.
var KeepAlive = net.KeepAliveConfig{
	Enable:   true,
	Idle:     30 * time.Second,
	Interval: 10 * time.Second,
	Count:    3,
}
