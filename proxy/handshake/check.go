package handshake

import (
	"crypto/sha1" // RFC 6455 section 4.2.2 asks for SHA-1; it protects nothing
	"encoding/base64"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/fairlead/fairlead/proxy/model"
)

const (
	// keySize is the number of random bytes in a Sec-WebSocket-Key (RFC 6455 section 4.1).
	keySize = 16
	// acceptSize is the number of characters of a Sec-WebSocket-Accept: 20 bytes in base64.
	acceptSize = 28
	// acceptGUID is appended to the key before hashing (RFC 6455 section 1.3).
	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	// Version is the one Sec-WebSocket-Version that exists in the field (RFC 6455 section 4.1).
	Version = "13"
)

// The headers of RFC 6455 section 11.3 in the form in which net/http keeps them.
const (
	headerKey     = "Sec-Websocket-Key"
	headerAccept  = "Sec-Websocket-Accept"
	headerVersion = "Sec-Websocket-Version"
)

// Check verifies a WebSocket opening request (RFC 6455 section 4.2.1) and returns nil when it is
// good: GET, HTTP/1.1, Host, no content, version 13, and exactly one key of 16 bytes in base64.
// A version other than 13 is refused with 426 BadVersion, everything else with 400 BadHandshake.
func Check(r *http.Request) *model.Refusal {
	switch {
	case Upgrade(r) != WebSocket:
		return badHandshake("needs the headers \"Connection: Upgrade\" and \"Upgrade: websocket\"")
	case r.Method != http.MethodGet:
		return badHandshake("a WebSocket request is a GET, not " + r.Method)
	case !r.ProtoAtLeast(1, 1):
		return badHandshake("a WebSocket request needs HTTP/1.1; a proxy in front may be speaking HTTP/1.0")
	case r.Host == "":
		return badHandshake("the Host header is missing")
	case hasBody(r):
		return badHandshake("a WebSocket request has no content: remove Content-Length and Transfer-Encoding")
	}
	if versions := r.Header[headerVersion]; len(versions) != 1 || versions[0] != Version {
		return badVersion()
	}
	keys := r.Header[headerKey]
	if len(keys) != 1 {
		return badHandshake("needs exactly one Sec-WebSocket-Key")
	}
	if !isKey(keys[0]) {
		return badHandshake("Sec-WebSocket-Key must be 16 bytes in base64")
	}
	return nil
}

// badHandshake closes the connection too: what follows a broken handshake may be frames, and must
// not be read as a request.
func badHandshake(detail string) *model.Refusal {
	return &model.Refusal{
		Status: http.StatusBadRequest, Reason: model.BadHandshake, Detail: detail,
		Header: map[string]string{"Connection": "close"},
	}
}

// badVersion names the version that is understood (RFC 6455 section 4.4) and the protocol to
// upgrade to (RFC 9110 section 15.5.22).
func badVersion() *model.Refusal {
	return &model.Refusal{
		Status: http.StatusUpgradeRequired, Reason: model.BadVersion,
		Detail: "send Sec-WebSocket-Version: " + Version,
		Header: map[string]string{
			"Connection": "Upgrade", "Upgrade": WebSocket, "Sec-WebSocket-Version": Version,
		},
	}
}

// isKey reports whether s is a Sec-WebSocket-Key.
func isKey(s string) bool {
	var key [keySize + 2]byte // decoding wants room for the padding
	if len(s) != base64.StdEncoding.EncodedLen(keySize) {
		return false
	}
	n, err := base64.StdEncoding.Decode(key[:], []byte(s))
	return err == nil && n == keySize
}

// AcceptKey returns the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
func AcceptKey(key string) string { return string(appendAccept(nil, key)) }

// appendAccept appends the Sec-WebSocket-Accept for a key to dst.
func appendAccept(dst []byte, key string) []byte {
	var room [64]byte // key and GUID are 60
	sum := sha1.Sum(append(append(room[:0], key...), acceptGUID...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// CheckAnswer verifies an endpoint's 101 to a request that asked for upgrade with key (RFC 6455
// section 4.2.2, RFC 9110 section 7.8) and returns nil when it is good. The key counts for
// WebSocket only. Whether the subprotocol and extensions were asked for is not checked: the client
// must do that anyway (RFC 6455 section 4.1), and its view is the one that counts.
func CheckAnswer(answer *http.Response, upgrade, key string) *model.Refusal {
	switch {
	case answer.StatusCode != http.StatusSwitchingProtocols:
		return badUpgrade("the endpoint answered " + answer.Status + " where 101 was due")
	case !answer.ProtoAtLeast(1, 1):
		return badUpgrade("the endpoint's 101 is not HTTP/1.1")
	case !httpguts.HeaderValuesContainsToken(answer.Header["Connection"], "upgrade"):
		return badUpgrade("the endpoint's 101 lacks Connection: Upgrade")
	}
	if got := strings.Join(answer.Header["Upgrade"], ", "); !strings.EqualFold(got, upgrade) {
		return badUpgrade("the endpoint's 101 switches to another protocol than " + upgrade)
	}
	if upgrade != WebSocket {
		return nil
	}
	accepts := answer.Header[headerAccept]
	var due [acceptSize]byte
	if len(accepts) != 1 || accepts[0] != string(appendAccept(due[:0], key)) {
		return badUpgrade("the endpoint's Sec-WebSocket-Accept does not belong to the client's key")
	}
	return nil
}

func badUpgrade(detail string) *model.Refusal {
	return &model.Refusal{Status: http.StatusBadGateway, Reason: model.BadUpgrade, Detail: detail}
}
