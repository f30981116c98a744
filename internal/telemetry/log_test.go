package telemetry_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/store"
	"inorder/internal/telemetry"
)

func TestTheLogHasTheTrace(t *testing.T) {
	tracing, _ := newTest(t, "", 1)
	defer tracing.Stop()
	plain, lines := testenv.Logs(t)
	log := slog.New(telemetry.LogHandler(plain.Handler())).With("a", 1).WithGroup("g")
	log.Info("outside")
	require.NotContains(t, lines.String(), "trace_id")
	d := tracing.Delivery("POST", "/webhooks/hc", here)
	ctx := d.Event(newEvent("evt_1"), "")
	s := trace.SpanContextFromContext(ctx)
	log.InfoContext(ctx, "inside")
	require.Contains(t, lines.String(), "trace_id="+s.TraceID().String())
	require.Contains(t, lines.String(), "span_id="+s.SpanID().String())

	lines.Reset()
	limited := loglimit.New(slog.New(telemetry.LogHandler(plain.Handler())), time.Hour)
	for range 3 {
		limited.LogContext(ctx, slog.LevelWarn, "kind", "refused")
	}
	limited.Flush()
	require.Equal(t, 2, strings.Count(lines.String(), "trace_id="+s.TraceID().String()), "of a line that stands for others, too: %s", lines)
}

func TestEndsHaveTheSameKeysAsAllLogs(t *testing.T) {
	log, lines := testenv.Logs(t)
	ends := telemetry.NewEnds(loglimit.NewSampled(log, 5, time.Hour))
	e, err := inorder.ParseEvent([]byte(`{"id":"evt_1","type":"order.paid","created_at":"2025-01-15T10:30:00Z","data":{"order_id":"order_1","note":"canary"}}`))
	require.NoError(t, err)
	ends.Ended(context.Background(), e, inorder.Waiting, store.ViaWorkflow)
	require.Empty(t, lines.String(), "it has not ended")
	ends.Ended(context.Background(), e, inorder.Applied, store.ViaInbox)
	require.Contains(t, lines.String(), `level=INFO msg="event ended" event_id=evt_1 event_type=order.paid order_id=order_1 outcome=applied via=inbox`+"\n")
	require.NotContains(t, lines.String(), "canary")
}
