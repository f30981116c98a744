package telemetry

import (
	"context"
	"net"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"inorder"
)

// Delivery is the span of one HTTP request that brings an event. A nil one traces nothing.
type Delivery struct {
	t      *Tracing
	method string
	route  string
	server net.Addr
	began  time.Time
	ctx    context.Context // with the span, once it is known
	span   trace.Span
}

// Delivery begins the span of a request now. server is our address, at which the request arrived.
func (t *Tracing) Delivery(method, route string, server net.Addr) *Delivery {
	if t == nil {
		return nil
	}
	return &Delivery{t: t, method: method, route: route, server: server, began: time.Now(), ctx: context.Background()}
}

// Event records that the request is authentic and brings e. It returns a context with the span, which is never cancelled. traceparent is
// what the sender says of its own trace: it becomes a link, neither the parent nor the sampling decision.
func (d *Delivery) Event(e inorder.Event, traceparent string) context.Context {
	if d == nil {
		return context.Background()
	}
	traceID, spanID := rootOf(e.ID, e.ReceivedAt)
	d.start(context.WithValue(context.Background(), root{}, rootIDs{traceID, spanID}), linkTo(traceparent)...)
	Mark(d.ctx, e)
	return d.ctx
}

// Context returns a context with the span, or without it if the event is not known yet.
func (d *Delivery) Context() context.Context {
	if d == nil {
		return context.Background()
	}
	return d.ctx
}

// End ends the span with the answer's status, and the result's name, which may be "". Of the deliveries that were refused before their event
// was known, only a few a second have a span.
func (d *Delivery) End(status int, result string) {
	if d == nil {
		return
	}
	if d.span == nil {
		if !d.t.refused.Allow() {
			return
		}
		d.start(context.Background())
	}
	d.span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if result != "" {
		d.span.SetAttributes(attribute.String(resultKey, result))
	}
	if status >= 500 {
		d.span.SetStatus(codes.Error, "")
		d.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
	d.span.End()
}

func (d *Delivery) start(ctx context.Context, links ...trace.Link) {
	attrs := append(serverAttrs(d.server), semconv.HTTPRequestMethodKey.String(d.method), semconv.HTTPRoute(d.route), semconv.URLPath(d.route), semconv.URLScheme("http"))
	_, d.span = d.t.tracer.Start(ctx, d.method+" "+d.route, trace.WithNewRoot(), trace.WithTimestamp(d.began), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attrs...), trace.WithLinks(links...))
	d.ctx = trace.ContextWithSpan(context.Background(), d.span)
}

// serverAttrs returns our own address, because the sender chooses the header Host.
func serverAttrs(a net.Addr) []attribute.KeyValue {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return nil
	}
	return []attribute.KeyValue{semconv.ServerAddress(tcp.IP.String()), semconv.ServerPort(tcp.Port)}
}

// linkTo returns a link without the sender's tracestate, which may hold anything, and without the sampling decision.
func linkTo(traceparent string) []trace.Link {
	if traceparent == "" {
		return nil
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	outside := trace.SpanContextFromContext(ctx)
	if !outside.IsValid() {
		return nil
	}
	return []trace.Link{{SpanContext: outside.WithTraceFlags(0).WithTraceState(trace.TraceState{})}}
}
