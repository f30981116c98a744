package telemetry

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"inorder"
)

// The names of our attributes. Those of an event are also the log's keys.
const (
	eventIDKey   = "event_id"
	eventTypeKey = "event_type"
	orderIDKey   = "order_id"
	outcomeKey   = "outcome"
	viaKey       = "via"
	resultKey    = "inorder.result"
	eventsKey    = "inorder.events"
)

// Mark sets the event's attributes on the span in ctx, if there is one.
func Mark(ctx context.Context, e inorder.Event) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		MarkAs(span, e.ID, e.Type, e.OrderID())
	}
}

// MarkAs sets the attributes of an event on a span; those that are "" are left out.
func MarkAs(span trace.Span, eventID, eventType, orderID string) {
	for _, a := range []struct{ key, value string }{{eventIDKey, eventID}, {eventTypeKey, eventType}, {orderIDKey, orderID}} {
		if a.value != "" {
			span.SetAttributes(attribute.String(a.key, bounded(a.value)))
		}
	}
}

// maxText is in bytes, of a text that a sender chose.
const maxText = 200

// bounded returns the text as OTLP takes it: short, and valid UTF-8.
func bounded(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "")
}

// Group begins a span for work on several events at once, with a link to the delivery of each. The caller ends it.
func (t *Tracing) Group(ctx context.Context, name string) (context.Context, *Group) {
	if t == nil {
		return ctx, nil
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithNewRoot())
	return ctx, &Group{t, span, 0}
}

// Quiet is Group without a span of its own, for work that mostly finds nothing to do. Its events have spans all the same.
func (t *Tracing) Quiet() *Group {
	if t == nil {
		return nil
	}
	return &Group{t, noop.Span{}, 0}
}

// Group is the span of several events. A nil one traces nothing.
type Group struct {
	t    *Tracing
	span trace.Span
	n    int
}

// Add adds the event to the group.
func (g *Group) Add(e inorder.Event) {
	if g == nil {
		return
	}
	g.n++
	g.span.AddLink(trace.Link{SpanContext: g.t.root(e.ID, e.ReceivedAt)})
}

// Done makes a span, from began until now, for what was done for one event of the group. The span is in the event's own trace. Done
// returns a context with it.
func (g *Group) Done(name string, began time.Time, e inorder.Event, outcome inorder.Outcome) context.Context {
	if g == nil {
		return context.Background()
	}
	var links []trace.Link
	if group := g.span.SpanContext(); group.IsValid() {
		links = append(links, trace.Link{SpanContext: group})
	}
	ctx, span := g.t.tracer.Start(g.t.In(context.Background(), e.ID, e.ReceivedAt), name, trace.WithTimestamp(began), trace.WithLinks(links...))
	MarkAs(span, e.ID, e.Type, e.OrderID())
	span.SetAttributes(attribute.String(outcomeKey, string(outcome)))
	span.End()
	return ctx
}

// End ends the group's span; err, if not nil, says that the work failed.
func (g *Group) End(err error) {
	if g == nil {
		return
	}
	g.span.SetAttributes(attribute.Int(eventsKey, g.n))
	if err != nil {
		g.span.RecordError(err)
		g.span.SetStatus(codes.Error, "")
	}
	g.span.End()
}
