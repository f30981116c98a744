package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// maxSeries bounds the series of each of the SDK's metrics, whatever types of workflows somebody starts in our task queue. The last series
// stands for all others.
const maxSeries = 200

// sdkBuckets are in seconds. They are few, because the SDK times each call by its kind.
var sdkBuckets = []float64{0.005, 0.025, 0.1, 0.5, 1, 5, 30}

// ForTemporal returns the handler with which Temporal's SDK counts. Its metrics, temporal_…, are in the registry from their first use on.
func ForTemporal(r prometheus.Registerer) (client.MetricsHandler, error) {
	reader, err := exporter.New(exporter.WithRegisterer(r), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("show the metrics of Temporal's SDK: %w", err)
	}
	buckets := metric.NewView(metric.Instrument{Kind: metric.InstrumentKindHistogram},
		metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: sdkBuckets, NoMinMax: true}})
	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(buckets), metric.WithCardinalityLimit(maxSeries))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: provider.Meter("go.temporal.io/sdk"), UseMonotonicCounters: true, OnError: func(error) {},
	}), nil
}
