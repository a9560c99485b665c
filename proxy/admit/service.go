package admit

import (
	"net"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

const (
	// servicesIdle and servicesConns bound the connections to one service: those that wait for their
	// next question, and all of them. When they are all in use questions wait, for as long as they may.
	servicesIdle  = 128
	servicesConns = 1024
	// servicesIdleTime is below the 60 s and more after which common servers hang up.
	servicesIdleTime = 50 * time.Second
	// servicesHead bounds the head of an answer in bytes.
	servicesHead = 64 << 10
)

// NewServices returns what asks other services, over connections that are used again. It knows no
// proxy from the environment and verifies certificates by the roots of the system.
func NewServices() *http.Transport {
	dialer := net.Dialer{Timeout: model.DefaultConnect, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		DisableCompression:     true,
		MaxIdleConns:           8 * servicesIdle,
		MaxIdleConnsPerHost:    servicesIdle,
		MaxConnsPerHost:        servicesConns,
		IdleConnTimeout:        servicesIdleTime,
		TLSHandshakeTimeout:    model.DefaultConnect,
		MaxResponseHeaderBytes: servicesHead,
	}
}
