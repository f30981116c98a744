package webhooks

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are a worker's metrics of its watchdog. Each check runs on one of the workers, so the gauges show this worker's last
// check. With several workers, the newest check counts, as in deploy/alerts.yml.
type Metrics struct {
	problems  *prometheus.GaugeVec
	lastCheck *prometheus.GaugeVec // a vector, so that it is absent before the first check, and always without an API key
	repairs   *prometheus.CounterVec

	mu    sync.Mutex
	shown []string // the IDs of the webhooks that have gauges
}

// NewMetrics registers the metrics; with nil they are registered nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	with := promauto.With(r)
	m := &Metrics{
		problems: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inorder_subscription_problems",
			Help: "1 for each fault of a webhook on the platform that this worker's last check found and could not repair, otherwise 0.",
		}, []string{"endpoint", "problem"}),
		lastCheck: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inorder_subscription_last_check_timestamp_seconds",
			Help: "When this worker last completed a check of the webhooks on the platform; 0 if it started one but completed none.",
		}, nil),
		repairs: with.NewCounterVec(prometheus.CounterOpts{
			Name: "inorder_subscription_repairs_total",
			Help: "Faults of webhooks on the platform that were repaired.",
		}, []string{"problem"}),
	}
	for _, kind := range repairable { // a counter that doesn't begin with 0 hides its first increase
		m.repairs.WithLabelValues(kind)
	}
	return m
}

var (
	repairable = []string{faultMissing, faultInactive, faultURL, faultEvents}
	watchable  = append(slices.Clip(repairable), faultUnreadable, faultOtherMode)
)

// begin creates the gauge with 0, which shows a worker that never completes a check.
func (m *Metrics) begin() { m.lastCheck.WithLabelValues() }

// set sets the gauges of the watched webhooks, and deletes those of webhooks that are no longer watched.
func (m *Metrics) set(check Check, watched []Record) {
	open := map[[2]string]float64{}
	for _, f := range check.Open() {
		open[[2]string{f.Webhook, f.Kind}] = 1
	}
	set := func(webhook, kind string) {
		m.problems.WithLabelValues(webhook, kind).Set(open[[2]string{webhook, kind}])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.shown {
		if !slices.ContainsFunc(watched, func(r Record) bool { return r.ID == id }) {
			m.problems.DeletePartialMatch(prometheus.Labels{"endpoint": id})
		}
	}
	m.shown = nil
	for _, r := range watched {
		m.shown = append(m.shown, r.ID)
		for _, kind := range watchable {
			set(r.ID, kind)
		}
	}
	set("", faultNoAccess)
	m.lastCheck.WithLabelValues().Set(float64(check.CheckedAt.UnixNano()) / 1e9)
}
