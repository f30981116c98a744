package telemetry

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"inorder"
	"inorder/internal/loglimit"
	"inorder/internal/store"
)

// LogHandler returns a handler that adds trace_id and span_id to the lines that are logged within a span.
func LogHandler(h slog.Handler) slog.Handler { return traced{h} }

type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", s.TraceID().String()), slog.String("span_id", s.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }

// Attrs returns the attributes that every log line about an event has. order_id is "" if the event names no order.
func Attrs(e inorder.Event) []any {
	return []any{eventIDKey, e.ID, eventTypeKey, e.Type, orderIDKey, e.OrderID()}
}

// Ends logs how events end, a line each as long as they are few. A nil one logs nothing.
type Ends struct{ log *loglimit.Sampled }

// NewEnds returns Ends that log to log.
func NewEnds(log *loglimit.Sampled) *Ends { return &Ends{log} }

var ends = []inorder.Outcome{inorder.Applied, inorder.Stale, inorder.Ignored, inorder.Discarded, inorder.Expired}

// Ended logs one event that has just ended; an outcome that is no end is not logged. ctx has the event's trace.
func (l *Ends) Ended(ctx context.Context, e inorder.Event, outcome inorder.Outcome, via store.Via) {
	if l == nil || !slices.Contains(ends, outcome) {
		return
	}
	l.log.Log(ctx, slog.LevelInfo, "event ended", func() []any {
		return append(Attrs(e), outcomeKey, string(outcome), viaKey, string(via))
	})
}
