package telemetry

import (
	"context"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// mostStatements is the size up to which each statement of a batch has a span. A larger batch, such as one drained from the inbox, has one span.
const mostStatements = 32

// TraceSQL makes the connections that are opened with c trace their statements, without arguments. A statement outside a trace, such as a
// probe's, begins none.
func (t *Tracing) TraceSQL(c *pgx.ConnConfig) {
	if t == nil {
		return
	}
	c.Tracer = sqlTracer{otelpgx.NewTracer(
		otelpgx.WithTracerProvider(t.provider),
		otelpgx.WithMeterProvider(noop.NewMeterProvider()),
		otelpgx.WithDisableConnectionDetailsInAttributes(), // they are copied for each statement, and name the user
		otelpgx.WithTracerAttributes(semconv.ServerAddress(c.Host), semconv.ServerPort(int(c.Port)), semconv.DBNamespace(c.Database)),
	)}
}

type sqlTracer struct{ *otelpgx.Tracer }

// large is a context key. It is set if a large batch runs in the context.
type large struct{}

func (s sqlTracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	ctx = s.Tracer.TraceBatchStart(ctx, conn, data)
	if data.Batch != nil && data.Batch.Len() > mostStatements {
		ctx = context.WithValue(ctx, large{}, true)
	}
	return ctx
}

func (s sqlTracer) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	if data.Err == nil && ctx.Value(large{}) != nil {
		return
	}
	s.Tracer.TraceBatchQuery(ctx, conn, data)
}
