package controllers

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
)

// quiet returns a logger for libraries. They tell every step at level Info; who reads our log wants
// to know them when looking for a fault only, at level Debug.
func quiet(log *slog.Logger) logr.Logger { return logr.FromSlogHandler(quietHandler{log.Handler()}) }

// quietHandler lowers Info to Debug.
type quietHandler struct{ slog.Handler }

func lower(l slog.Level) slog.Level {
	if l <= slog.LevelInfo {
		return min(l, slog.LevelDebug)
	}
	return l
}

// Enabled is that of the lowered level.
func (h quietHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.Handler.Enabled(ctx, lower(l))
}

// Handle passes the record on with the lowered level.
func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the handler that it returns quiet.
func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the handler that it returns quiet.
func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
