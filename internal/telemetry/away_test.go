package telemetry_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/telemetry"
)

// A collector that is away, or takes what it is sent and never answers, neither slows anybody nor fills the log, and the process ends all the same.
func TestACollectorThatIsAway(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	for name, env := range map[string]struct{ url, protocol, patience string }{
		"refused":         {"http://127.0.0.1:1", "http/protobuf", "100"},
		"refused by gRPC": {"http://127.0.0.1:1", "grpc", "100"},
		"silent":          {"http://" + silent.Addr().String(), "http/protobuf", "60000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", env.url)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", env.protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", env.patience) // ms
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")            // ms, so that many exports fail
			log, lines := testenv.Logs(t)
			tracing, err := telemetry.Start(context.Background(), telemetry.Options{Log: loglimit.New(log, time.Hour)})
			require.NoError(t, err)
			began := time.Now()
			for i := range 10_000 { // more than the queue takes
				d := tracing.Delivery("POST", "/webhooks/hc", here)
				d.Event(newEvent(fmt.Sprint("evt_", i)), "")
				d.End(200, "accepted")
			}
			require.Less(t, time.Since(began), 30*time.Second, "nobody waits for the collector, which has a minute")
			stopping := time.Now()
			tracing.Stop()
			require.Less(t, time.Since(stopping), 30*time.Second, "3 s, on a machine that does not stall")
			require.LessOrEqual(t, strings.Count(lines.String(), "\n"), 1, "%s", lines)
			require.Contains(t, lines.String(), "traces are not exported")
		})
	}
}

// OpenTelemetry logs values that it can't read, and those of headers may be API keys.
func TestSettingsOfTheCollectorAreNotLogged(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "hush,api-key=%zzhush")
	log, lines := testenv.Logs(t)
	tracing, err := telemetry.Start(context.Background(), telemetry.Options{Log: loglimit.New(log, time.Hour)})
	require.NoError(t, err)
	defer tracing.Stop()
	require.Contains(t, lines.String(), "OpenTelemetry can't use one of its settings")
	require.NotContains(t, lines.String(), "hush")
}
