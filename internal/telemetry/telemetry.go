// Package telemetry traces events with OpenTelemetry, from the delivery through the workflow to the SQL, and puts the trace into the log.
// A nil *Tracing traces nothing and costs nothing. The code that does the work decides which spans there are; cleaned.go decides what
// leaves the process.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"golang.org/x/time/rate"

	"inorder/internal/loglimit"
)

// Options are what Start needs.
type Options struct {
	Version string           // the program's
	Sampler string           // OTEL_TRACES_SAMPLER
	Ratio   float64          // its argument
	Log     *loglimit.Logger // for what goes wrong with exporting
}

// Tracing makes spans and exports them in the background. Its methods may be called concurrently, and on nil.
type Tracing struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
	sampler  sdktrace.Sampler
	refused  *rate.Limiter // spans of deliveries that are refused
}

// flushWithin is how long Stop waits for a collector.
const flushWithin = 3 * time.Second

// An attacker's deliveries must not push the spans of others out of the queue.
const (
	refusedPerSecond = 5
	refusedAtOnce    = 20
)

// Start returns a Tracing that exports to where the variables OTEL_* say, which OpenTelemetry reads itself. It does not wait for the
// collector. It sets OpenTelemetry's error handlers for the whole process, because OpenTelemetry has only global ones.
func Start(ctx context.Context, o Options) (*Tracing, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		o.Log.Log(slog.LevelWarn, "otel", "traces are not exported", "cause", loglimit.OneLine(err))
	}))
	otel.SetLogger(logr.New(settingsLog{o.Log}))
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("create the exporter of traces: %w", err)
	}
	return New(ctx, exporter, o)
}

// New returns a Tracing that exports to the given exporter. It sets nothing global.
func New(ctx context.Context, exporter sdktrace.SpanExporter, o Options) (*Tracing, error) {
	// What the environment says of the service comes last, and so takes precedence.
	service, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("inorder"), semconv.ServiceVersion(o.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	sampler := samplerOf(o.Sampler, o.Ratio)
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(cleaner{exporter}), sdktrace.WithResource(service), sdktrace.WithSampler(sampler), sdktrace.WithIDGenerator(ids{}))
	return &Tracing{provider: p, tracer: p.Tracer("inorder"), sampler: sampler, refused: rate.NewLimiter(refusedPerSecond, refusedAtOnce)}, nil
}

// Stop exports what is left, as far as the collector takes it within three seconds.
func (t *Tracing) Stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}

// Interceptor returns an interceptor that traces workflows and activities, for a Temporal client and the workers that use it. An unreadable header
// is no error: the workflow then begins a trace of its own. Queries are not traced, because people who watch make many.
func (t *Tracing) Interceptor() (interceptor.Interceptor, error) {
	return opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer:                  t.provider.Tracer("go.temporal.io/sdk"),
		TextMapPropagator:       propagation.TraceContext{},
		DisableBaggage:          true,
		DisableQueryTracing:     true,
		AllowInvalidParentSpans: true,
	})
}

// settingsLog logs which of its settings OpenTelemetry can't use. It leaves their values out, because they may be secrets.
type settingsLog struct{ log *loglimit.Logger }

func (s settingsLog) Error(_ error, message string, _ ...any) {
	s.log.Log(slog.LevelWarn, "otel "+message, "OpenTelemetry can't use one of its settings, OTEL_*", "cause", message)
}

func (s settingsLog) Init(logr.RuntimeInfo)          {}
func (s settingsLog) Enabled(int) bool               { return false }
func (s settingsLog) Info(int, string, ...any)       {}
func (s settingsLog) WithValues(...any) logr.LogSink { return s }
func (s settingsLog) WithName(string) logr.LogSink   { return s }
