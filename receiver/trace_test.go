package receiver

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"inorder/internal/delivery"
	"inorder/internal/telemetry"
)

// spansOf delivers the vector to a receiver that traces, and returns its spans and its log.
func spansOf(t *testing.T, starter Starter, signature string, change func(*Options)) (spans tracetest.SpanStubs, log string) {
	exported := tracetest.NewInMemoryExporter()
	tracing, err := telemetry.New(t.Context(), kept{exported}, telemetry.Options{})
	require.NoError(t, err)
	r, logs := newTest(t, starter, func(o *Options) {
		o.Tracing = tracing
		o.Log = slog.New(telemetry.LogHandler(o.Log.Handler()))
		if change != nil {
			change(o)
		}
	})
	ctx := request([]byte(vectorBody))
	if signature != "" {
		ctx.Request.Header.Set(delivery.SignatureHeader, signature)
	}
	r.app.Handler()(ctx)
	tracing.Stop()
	return exported.GetSpans(), logs.String()
}

// kept is an exporter that keeps its spans when it is shut down.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

type panickingVerifier struct{}

func (panickingVerifier) Verify([]byte, string) bool { panic("canary") }

func TestTheSpanOfADeliveryEndsWithItsAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		starter   Starter
		signature string
		change    func(*Options)
		status    string
		failed    bool
	}{
		"accepted":                      {starter: noStarter{}, status: "200"},
		"a wrong signature":             {starter: noStarter{}, signature: strings.Repeat("0", 64), status: "401"},
		"no way in took it":             {starter: &fakeStarter{err: errors.New("canary")}, status: "503", failed: true},
		"a panic of what is beneath it": {starter: noStarter{}, change: func(o *Options) { o.Verifier = panickingVerifier{} }, status: "500", failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			spans, log := spansOf(t, c.starter, c.signature, c.change)
			require.Len(t, spans, 1)
			status := ""
			for _, a := range spans[0].Attributes {
				require.NotContains(t, a.Value.String(), "canary")
				if a.Key == "http.response.status_code" {
					status = a.Value.String()
				}
			}
			require.Equal(t, c.status, status)
			require.Equal(t, c.failed, spans[0].Status.Code == codes.Error)
			if c.status != "500" {
				require.Contains(t, log, `"trace_id":"`+spans[0].SpanContext.TraceID().String()+`"`)
			}
		})
	}
}
