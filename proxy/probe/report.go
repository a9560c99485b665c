package probe

import (
	"net/http"
	"time"
)

// Report is what a probe found.
type Report struct {
	URL      string    `json:"url"`
	Notes    []string  `json:"notes,omitempty"` // what was made of the URL
	Attempts []Attempt `json:"attempts"`        // the first is what was asked for
	Verdict  Verdict   `json:"verdict"`
}

// Attempt is one connection and what was seen on it.
type Attempt struct {
	// Variation says how it differs from what was asked for; "": in nothing.
	Variation string  `json:"variation,omitempty"`
	URL       string  `json:"url"`
	Steps     []Step  `json:"steps"`
	Finding   Finding `json:"finding"`
	Answer    *Answer `json:"answer,omitempty"`

	seen seen
}

// The steps of an attempt, in their order.
const (
	StepResolve = "resolve"
	StepConnect = "connect"
	StepTLS     = "TLS"
	StepRequest = "request"
	StepAnswer  = "answer"
	StepFrames  = "frames"
	StepSilence = "silence"
	StepClose   = "close"
)

// Step is one step of an attempt.
type Step struct {
	Name string        `json:"name"`
	Took time.Duration `json:"nanoseconds"`
	OK   bool          `json:"ok"`
	Saw  []string      `json:"saw"` // lines
}

// Answer is the server's answer to the request.
type Answer struct {
	Proto  string      `json:"proto"`
	Status int         `json:"status"`
	Phrase string      `json:"phrase,omitempty"`
	Header http.Header `json:"header"`
	// Body is the beginning of its content, at most 8 KiB, without control characters.
	Body string `json:"body,omitempty"`
	// By are those who give themselves away in it, the outermost first.
	By []Party `json:"by,omitempty"`
}

// Party is somebody on the way who gave itself away.
type Party struct {
	Name    string `json:"name"`
	Because string `json:"because"`
}

// Verdict is what a probe comes to.
type Verdict struct {
	Works   bool    `json:"works"`
	Finding Finding `json:"finding"`
	Summary string  `json:"summary"`       // one sentence
	By      string  `json:"by,omitempty"`  // who answered
	Why     string  `json:"why,omitempty"` // what it means, in plain words
	// Changes are what to change, one of them or the one of the proxy that is in use.
	Changes []Change `json:"changes,omitempty"`
	Notes   []string `json:"notes,omitempty"` // what is worth to know besides
}

// Change is what to change in one place.
type Change struct {
	Where string   `json:"where"` // the product or the party
	Lines []string `json:"lines"`
}

// Finding says in one word what a handshake came to.
type Finding string

// What a handshake can come to.
const (
	Works Finding = "Works"

	NameNotFound   Finding = "NameNotFound"   // the name does not exist
	NameFailed     Finding = "NameFailed"     // no name server gave an answer
	ConnectRefused Finding = "ConnectRefused" // nothing listens
	ConnectTimeout Finding = "ConnectTimeout"
	ConnectFailed  Finding = "ConnectFailed" // no way to the address

	NotTLS           Finding = "NotTLS"           // the port of a wss:// URL speaks plain HTTP
	TLSRefused       Finding = "TLSRefused"       // an alert, or the connection was closed
	TLSTimeout       Finding = "TLSTimeout"       // no answer to the ClientHello
	ClientCertNeeded Finding = "ClientCertNeeded" // the server wants a client certificate
	HTTP2Only        Finding = "HTTP2Only"        // the server speaks no HTTP/1.1

	CertDefault     Finding = "CertDefault"     // a controller's stand-in certificate
	CertWrongName   Finding = "CertWrongName"   // for other names
	CertExpired     Finding = "CertExpired"     // or not yet valid
	CertSelfSigned  Finding = "CertSelfSigned"  // by nobody else
	CertIncomplete  Finding = "CertIncomplete"  // the intermediate certificate is missing
	CertUnknownCA   Finding = "CertUnknownCA"   // of an authority that is not trusted here
	CertNotAccepted Finding = "CertNotAccepted" // anything else that is wrong with it

	NeedsTLS    Finding = "NeedsTLS"    // the port of a ws:// URL speaks TLS
	NotHTTP     Finding = "NotHTTP"     // the answer is no HTTP
	NoAnswer    Finding = "NoAnswer"    // none in time
	ClosedEarly Finding = "ClosedEarly" // the connection ended before the answer

	PathNotFound   Finding = "PathNotFound"   // 404
	NotThisPath    Finding = "NotThisPath"    // a page or another answer where a 101 was due
	UpgradeLost    Finding = "UpgradeLost"    // Upgrade and Connection did not reach the server
	BadRequest     Finding = "BadRequest"     // 400 for another reason
	BadVersion     Finding = "BadVersion"     // Sec-WebSocket-Version 13 is not spoken
	RedirectHTTPS  Finding = "RedirectHTTPS"  // to https
	RedirectSlash  Finding = "RedirectSlash"  // to the path with or without a slash
	RedirectLogin  Finding = "RedirectLogin"  // to a login page
	Redirected     Finding = "Redirected"     // elsewhere
	Unauthorized   Finding = "Unauthorized"   // 401
	Forbidden      Finding = "Forbidden"      // 403
	OriginRefused  Finding = "OriginRefused"  // 403, for the Origin or the lack of one
	Misdirected    Finding = "Misdirected"    // 421
	TooManyClients Finding = "TooManyClients" // 429, or a limit behind a 503
	NoEndpoint     Finding = "NoEndpoint"     // 503
	BadEndpoint    Finding = "BadEndpoint"    // 502
	SlowEndpoint   Finding = "SlowEndpoint"   // 504
	ServerError    Finding = "ServerError"    // any other 5xx
	OtherAnswer    Finding = "OtherAnswer"    // any other status

	BadAccept          Finding = "BadAccept"          // Sec-WebSocket-Accept is missing or wrong
	BadUpgrade         Finding = "BadUpgrade"         // a 101 with wrong Upgrade or Connection
	SubprotocolRefused Finding = "SubprotocolRefused" // none of those offered, or one that was not
	ExtensionUnasked   Finding = "ExtensionUnasked"   // one that was not offered

	FramesLost   Finding = "FramesLost"   // no Pong
	FramesBroken Finding = "FramesBroken" // what comes behind the 101 are no frames
	NoReply      Finding = "NoReply"      // no message to the one that was sent
	ClosedAtOnce Finding = "ClosedAtOnce" // right behind the handshake
	ClosedIdle   Finding = "ClosedIdle"   // in the silence
	Forgotten    Finding = "Forgotten"    // in the silence, without a sign
)
