// Package handshake is the HTTP side of an upgrade: it judges the client's opening request
// (RFC 6455 section 4.2.1) and the endpoint's answer (section 4.2.2), rebuilds the headers that
// travel between them (RFC 9110 section 7.6.1), and hands the answer on to the client, whether it
// is a 101, another answer of the endpoint, or a refusal of ours.
//
// Heads come from net/http, or from [ReadRequest] and [ReadSwitch], which read the ordinary ones
// from a buffer and leave all others to net/http. The two may never differ in what they make of a
// head.
//
// Extensions and subprotocols are the business of the two ends: they pass as they are.
package handshake
