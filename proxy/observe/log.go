package observe

import (
	"context"
	"log/slog"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// logOpened writes the line at the open. Its keys are those of the line at the end, where known.
func (o *Observer) logOpened(s Session, handshake time.Duration) {
	if s.NoLog || !o.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	var room line
	attrs := append(identity(room[:0], s), slog.Duration("handshake", handshake))
	o.log.LogAttrs(context.Background(), slog.LevelInfo, "session opened", attrs...)
}

// logEnded writes the one line at the end of a session or request.
func (o *Observer) logEnded(out Outcome) {
	level := endLevel(out)
	if out.NoLog || !o.log.Enabled(context.Background(), level) || refused(out) && !o.mayTell(out.Reason) {
		return
	}
	var room line
	attrs := append(identity(room[:0], out.Session), slog.String("reason", string(out.Reason)))
	if out.By != "" {
		attrs = append(attrs, slog.String("side", string(out.By)))
	}
	if out.CloseCode != 0 {
		attrs = append(attrs, slog.Int("close_code", out.CloseCode))
	}
	if out.Status != 0 {
		attrs = append(attrs, slog.Int("status", out.Status))
	}
	attrs = append(attrs,
		slog.Duration("handshake", out.Handshake),
		slog.Duration("duration", out.Duration),
		slog.Uint64("bytes_to_endpoint", out.ToEndpoint.Bytes),
		slog.Uint64("bytes_to_client", out.ToClient.Bytes),
		slog.Uint64("messages_to_endpoint", out.ToEndpoint.Messages),
		slog.Uint64("messages_to_client", out.ToClient.Messages),
	)
	if out.Err != nil {
		attrs = append(attrs, slog.String("error", out.Err.Error()))
	}
	o.log.LogAttrs(context.Background(), level, "session ended", attrs...)
}

// line has room for the attributes of a line, on the stack.
type line [22]slog.Attr

// identity appends what is known of a session, in a fixed order.
func identity(attrs []slog.Attr, s Session) []slog.Attr {
	attrs = append(attrs, slog.Uint64("session", s.ID))
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	text("route", s.Route)
	text("backend", s.Backend)
	if s.Endpoint.IsValid() {
		text("endpoint", s.Endpoint.String())
	}
	text("pod", s.EndpointName)
	if s.Client.IsValid() {
		text("client", s.Client.String())
	}
	text("host", s.Host)
	text("path", s.Path)
	text("protocol", s.Protocol)
	return append(attrs, slog.Bool("tls", s.TLS))
}

// endLevel says how loud the line at the end is. Tunnels are what an operator counts: Info. What
// an endpoint or the configuration did wrong wants someone to look: Warn. What any client can
// cause as often as it likes, and plain requests, which may be many, are told at Debug; the metrics
// have them all.
func endLevel(out Outcome) slog.Level {
	if out.Tunnelled {
		return slog.LevelInfo
	}
	switch out.Reason {
	case model.NoEndpoint, model.ConnectFailed, model.ConnectTimeout,
		model.EndpointReset, model.HandshakeTimeout, model.BadUpgrade,
		model.AuthFailed, model.Sealed:
		return slog.LevelWarn
	case model.EndpointRefused:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
