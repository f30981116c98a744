package metrics

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// Anybody who may start workflows may make up types.
func TestTheSDKsMetricsAreBounded(t *testing.T) {
	r := prometheus.NewRegistry()
	handler, err := ForTemporal(r)
	require.NoError(t, err)
	for i := range 10_000 {
		tagged := handler.WithTags(map[string]string{"workflow_type": fmt.Sprint("made up ", i)})
		tagged.Counter("temporal_workflow_completed").Inc(1)
		tagged.Gauge("temporal_num_pollers").Update(2)
		tagged.Timer("temporal_request_latency").Record(time.Millisecond)
	}
	families, err := r.Gather()
	require.NoError(t, err)
	names := map[string]int{}
	for _, f := range families {
		names[f.GetName()] = len(f.GetMetric())
	}
	require.Equal(t, map[string]int{"temporal_workflow_completed_total": maxSeries, "temporal_num_pollers": maxSeries, "temporal_request_latency_seconds": maxSeries}, names)
	total := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			total += m.GetCounter().GetValue()
		}
	}
	require.Equal(t, 10_000.0, total, "none is lost")
}
