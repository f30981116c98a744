package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// rootOf derives the IDs of a delivery's trace and of its root span, the delivery's own, from the event's ID and the time of receipt. Both are
// kept wherever the event waits, in the inbox, in pending_events or in a workflow's input. So later work on the event joins the same trace,
// in another process and without another column.
func rootOf(eventID string, receivedAt time.Time) (trace.TraceID, trace.SpanID) {
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(receivedAt.UnixMicro())) // as PostgreSQL keeps it
	sum := sha256.Sum256(append(at[:], eventID...))
	return trace.TraceID(sum[:16]), trace.SpanID(sum[16:24])
}

// In returns ctx with the delivery of an event as the parent of the spans that begin in it.
func (t *Tracing) In(ctx context.Context, eventID string, receivedAt time.Time) context.Context {
	if t == nil || receivedAt.IsZero() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, t.root(eventID, receivedAt))
}

func (t *Tracing) root(eventID string, receivedAt time.Time) trace.SpanContext {
	traceID, spanID := rootOf(eventID, receivedAt)
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(0).WithSampled(t.keeps(traceID)), Remote: true})
}

// root is a context key. Its value is the IDs of the root span that begins in the context.
type root struct{}

type rootIDs struct {
	trace trace.TraceID
	span  trace.SpanID
}

// ids makes the IDs of spans: random, except for the roots of events.
type ids struct{}

func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if r, ok := ctx.Value(root{}).(rootIDs); ok {
		return r.trace, r.span
	}
	var id trace.TraceID
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1) // never all zeros, which is no ID
	return id, ids{}.NewSpanID(ctx, id)
}

func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1)
	return id
}
