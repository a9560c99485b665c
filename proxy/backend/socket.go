package backend

import (
	"net"
	"time"
)

// keepAlive finds endpoints that vanished without a word, just as the listeners do with clients: a
// probe after 30 s of silence, then every 10 s, and the connection is over when the third in a row
// stays unanswered.
var keepAlive = net.KeepAliveConfig{
	Enable:   true,
	Idle:     30 * time.Second,
	Interval: 10 * time.Second,
	Count:    3,
}
