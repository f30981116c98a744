package metrics

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkACallToTemporal measures what the SDK counts for one call. An event costs two such calls, and a workflow task about as much again.
func BenchmarkACallToTemporal(b *testing.B) {
	handler, err := ForTemporal(prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	handler = handler.WithTags(map[string]string{"namespace": "default", "client_name": "temporal_go"})
	b.ReportAllocs()
	for b.Loop() {
		tagged := handler.WithTags(map[string]string{"operation": "StartWorkflowExecution"})
		tagged.Counter("temporal_request").Inc(1)
		tagged.Timer("temporal_request_latency").Record(time.Millisecond)
	}
}
