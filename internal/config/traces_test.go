package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTracesAreOffUnlessTheyAreAskedFor(t *testing.T) {
	traces := func(pairs ...string) *Traces {
		c, err := load(0, with(pairs...))
		require.NoError(t, err)
		return c.Traces
	}
	const collector = "http://127.0.0.1:4318"
	require.Nil(t, traces())
	require.Nil(t, traces("OTEL_SERVICE_NAME", "shop", "OTEL_TRACES_SAMPLER", "always_on", "OTEL_METRICS_EXPORTER", "otlp"))
	require.Nil(t, traces("OTEL_EXPORTER_OTLP_ENDPOINT", ""), "set to nothing is not set")
	require.Nil(t, traces("OTEL_EXPORTER_OTLP_ENDPOINT", collector, "OTEL_SDK_DISABLED", "true"))
	require.Nil(t, traces("OTEL_EXPORTER_OTLP_ENDPOINT", collector, "OTEL_TRACES_EXPORTER", "none"))
	all := &Traces{Sampler: "parentbased_always_on", Ratio: 1}
	require.Equal(t, all, traces("OTEL_EXPORTER_OTLP_ENDPOINT", collector))
	require.Equal(t, all, traces("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"))
	require.Equal(t, all, traces("OTEL_TRACES_EXPORTER", "otlp"))
	require.Equal(t, &Traces{Sampler: "traceidratio", Ratio: 0.1}, traces("OTEL_TRACES_EXPORTER", "console", "OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.1"))
}
