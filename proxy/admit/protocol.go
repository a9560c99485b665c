package admit

import (
	"net/http"

	"github.com/fairlead/fairlead/proxy/model"
)

// websocket is the upgrade that model.WebSocket stands for; all others belong to model.HTTP.
const websocket = "websocket"

// protocol admits what the route serves. A plain request on a route without HTTP gets 426
// NotWebSocket with the protocol to use (RFC 9110 section 15.5.22), an upgrade that the route does
// not serve 403 ProtocolRefused.
func (p *Policy) protocol(s *Subject) *model.Refusal {
	switch served := p.protocols; {
	case s.Upgrade == websocket && served.Has(model.WebSocket):
		return nil
	case s.Upgrade != websocket && served.Has(model.HTTP):
		return nil
	case s.Upgrade != "":
		return &model.Refusal{
			Status: http.StatusForbidden, Reason: model.ProtocolRefused,
			Detail: "this route does not serve an upgrade to " + s.Upgrade,
		}
	}
	return &model.Refusal{
		Status: http.StatusUpgradeRequired, Reason: model.NotWebSocket,
		Detail: "this route serves WebSockets only; " +
			"if this was one, a proxy in front removed its Connection and Upgrade headers",
		Header: map[string]string{
			"Connection": "Upgrade", "Upgrade": websocket, "Sec-WebSocket-Version": "13",
		},
	}
}
