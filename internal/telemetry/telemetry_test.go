package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"inorder"
	"inorder/internal/telemetry"
)

var here = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3000}

func newEvent(id string) inorder.Event {
	return inorder.Event{ID: id, Type: "order.paid", ReceivedAt: time.Now()}
}

// recorder keeps the spans after they have been exported and the exporter is shut down.
type recorder struct{ *tracetest.InMemoryExporter }

func (recorder) Shutdown(context.Context) error { return nil }

// newTest returns a Tracing, and a function that stops it and returns its spans.
func newTest(t *testing.T, sampler string, ratio float64) (*telemetry.Tracing, func() tracetest.SpanStubs) {
	exported := recorder{tracetest.NewInMemoryExporter()}
	tracing, err := telemetry.New(t.Context(), exported, telemetry.Options{Version: "test", Sampler: sampler, Ratio: ratio})
	require.NoError(t, err)
	return tracing, func() tracetest.SpanStubs {
		tracing.Stop()
		return exported.GetSpans()
	}
}

func attrs(s tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

func TestADeliveryIsTheRootOfItsEventsTrace(t *testing.T) {
	tracing, spans := newTest(t, "", 1)
	e := newEvent("evt_1")
	d := tracing.Delivery("POST", "/webhooks/hc", here)
	ctx := d.Event(e, "")
	elsewhere := e // as PostgreSQL gives it back
	elsewhere.ReceivedAt = e.ReceivedAt.Truncate(time.Microsecond).UTC()
	later := trace.SpanContextFromContext(tracing.In(context.Background(), elsewhere.ID, elsewhere.ReceivedAt))
	require.Equal(t, trace.SpanContextFromContext(ctx).TraceID(), later.TraceID())
	require.Equal(t, trace.SpanContextFromContext(ctx).SpanID(), later.SpanID())
	require.True(t, later.IsSampled())
	again := tracing.Delivery("POST", "/webhooks/hc", here)
	e.ReceivedAt = e.ReceivedAt.Add(time.Second)
	require.NotEqual(t, later.TraceID(), trace.SpanContextFromContext(again.Event(e, "")).TraceID(), "a later delivery has its own")
	again.End(200, "duplicate")
	d.End(200, "accepted")
	require.Equal(t, map[string]string{
		"http.request.method": "POST", "http.route": "/webhooks/hc", "url.path": "/webhooks/hc", "url.scheme": "http", "http.response.status_code": "200",
		"server.address": "127.0.0.1", "server.port": "3000", "event_id": "evt_1", "event_type": "order.paid", "inorder.result": "accepted",
	}, attrs(spans()[1]))
}

// What the sender says of its own trace becomes a link, neither the parent nor the sampling decision.
func TestATraceFromOutsideIsNotTrusted(t *testing.T) {
	tracing, spans := newTest(t, "", 1)
	for i, parent := range []string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "nonsense", ""} {
		d := tracing.Delivery("POST", "/webhooks/hc", here)
		d.Event(newEvent(fmt.Sprint("evt_", i)), parent)
		d.End(200, "accepted")
	}
	all := spans()
	require.Len(t, all, 4, "a trace that the sender did not keep, too")
	for i, s := range all {
		require.False(t, s.Parent.IsValid())
		require.NotEqual(t, "0af7651916cd43dd8448eb211c80319c", s.SpanContext.TraceID().String())
		if i < 2 {
			require.Equal(t, "0af7651916cd43dd8448eb211c80319c", s.Links[0].SpanContext.TraceID().String())
			require.False(t, s.Links[0].SpanContext.IsSampled())
		} else {
			require.Empty(t, s.Links)
		}
	}
}

func TestDeliveriesThatAreRefusedHaveFewSpans(t *testing.T) {
	tracing, spans := newTest(t, "", 1)
	began := time.Now()
	for range 1000 {
		tracing.Delivery("POST", "/webhooks/hc", here).End(401, "bad_signature")
	}
	most := 20 + 5*(1+int(time.Since(began).Seconds())) // 20 at once, and then 5 a second
	n := len(spans())
	require.GreaterOrEqual(t, n, 20)
	require.LessOrEqual(t, n, most)
}

func TestEverythingIsFreeWithoutTracing(t *testing.T) {
	var tracing *telemetry.Tracing
	e := newEvent("evt_1")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		d := tracing.Delivery("POST", "/webhooks/hc", here)
		ctx := d.Event(e, "")
		telemetry.Mark(ctx, e)
		d.End(200, "accepted")
		_, g := tracing.Group(tracing.In(ctx, e.ID, e.ReceivedAt), "drain inbox")
		g.Add(e)
		g.Done("apply from inbox", e.ReceivedAt, e, inorder.Applied)
		g.End(nil)
	}))
	config := &pgx.ConnConfig{}
	tracing.TraceSQL(config)
	require.Nil(t, config.Tracer)
	tracing.Stop()
}

// Errors quote values, and a library may add attributes.
func TestWhatMayQuoteAPayloadStaysHere(t *testing.T) {
	const canary = "canary"
	tracing, spans := newTest(t, "", 1)
	ctx, group := tracing.Group(context.Background(), "drain inbox")
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("pgx.query.parameters", canary), attribute.String("http.request.header.x-webhook-signature", canary),
		attribute.String("pgx.sql_state", "22P02"), attribute.String("event_id", "evt_\xff1"))
	span.AddEvent(canary, trace.WithAttributes(attribute.String(canary, canary)))
	span.SetStatus(codes.Error, canary)
	group.End(fmt.Errorf("%s: %w", canary, errors.Join(&pgconn.PgError{Message: canary})))
	all := spans()
	require.NotContains(t, fmt.Sprintf("%+v", all), canary)
	require.Equal(t, map[string]string{"db.response.status_code": "22P02", "error.type": "22P02", "event_id": "evt_1", "inorder.events": "0"}, attrs(all[0]))
	require.Equal(t, codes.Error, all[0].Status.Code)
	require.Equal(t, "exception", all[0].Events[0].Name)
	require.Equal(t, "exception.type", string(all[0].Events[0].Attributes[0].Key))
}

// Every process decides the same about whether an event's trace is kept.
func TestSampling(t *testing.T) {
	receivedAt := time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)
	for sampler, kept := range map[string]float64{"always_off": 0, "parentbased_always_off": 0, "always_on": 1000, "parentbased_always_on": 1000, "traceidratio": 250,
		"parentbased_traceidratio": 250} {
		tracing, spans := newTest(t, sampler, 0.25)
		other, _ := newTest(t, sampler, 0.25)
		for i := range 1000 {
			e := newEvent(fmt.Sprint("evt_", i))
			e.ReceivedAt = receivedAt // so that the share that is kept is the same in every run
			d := tracing.Delivery("POST", "/webhooks/hc", here)
			here := trace.SpanContextFromContext(d.Event(e, ""))
			there := trace.SpanContextFromContext(other.In(context.Background(), e.ID, e.ReceivedAt))
			require.Equal(t, here.IsSampled(), there.IsSampled(), sampler)
			d.End(200, "")
		}
		require.InDelta(t, kept, len(spans()), kept/5, sampler)
	}
}
