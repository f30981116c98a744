package traffic

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inorder"
	"inorder/internal/store"
)

var (
	deliveriesDesc = prometheus.NewDesc("inorder_deliveries_total",
		"Deliveries that this process answered, by result.", []string{"result"}, nil)
	endedDesc = prometheus.NewDesc("inorder_events_ended_total",
		"Events that ended in this process, by outcome, and by what recorded the end: workflow or inbox.", []string{"outcome", "via"}, nil)
)

// newTook returns a histogram of how long events take. Its buckets are for two kinds: events that end within moments, and events that wait for their order.
func newTook() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "inorder_event_seconds",
		Help:    "Time from an event's receipt, or its replay, to its end in this process.",
		Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600, 86400},
	})
}

// Describe implements prometheus.Collector.
func (r *Recorder) Describe(to chan<- *prometheus.Desc) {
	to <- deliveriesDesc
	to <- endedDesc
	r.took.Describe(to)
}

// Collect implements prometheus.Collector. It shows every result, and every outcome and way, from the beginning.
func (r *Recorder) Collect(to chan<- prometheus.Metric) {
	r.EachDelivery(func(result string, n int64) {
		to <- prometheus.MustNewConstMetric(deliveriesDesc, prometheus.CounterValue, float64(n), result)
	})
	r.EachEnd(func(outcome inorder.Outcome, via store.Via, n int64) {
		to <- prometheus.MustNewConstMetric(endedDesc, prometheus.CounterValue, float64(n), string(outcome), string(via))
	})
	r.took.Collect(to)
}

// LastEvents returns, for every family, when an event last came to this process; zero for never.
func (r *Recorder) LastEvents() map[string]time.Time {
	last := make(map[string]time.Time, len(families))
	for _, f := range families {
		last[f] = time.Time{}
	}
	r.EachFamily(func(family string, at time.Time) { last[family] = at })
	return last
}
