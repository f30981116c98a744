package reconcile

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inorder"
)

// Metrics are what reconciliation counts. A repair that is not "silent" means that a webhook was lost: docs/alerts.yml.
type Metrics struct {
	repairs     *prometheus.CounterVec
	compared    prometheus.Counter
	lastSuccess *prometheus.GaugeVec // a vector, so that it is there only after Expect or Succeeded
}

// NewMetrics registers the metrics; with nil they are counted and shown nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	m := &Metrics{
		repairs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "inorder_reconcile_repairs_total",
			Help: "Orders that were put right from the platform's API, by what was found: missing, different, or silent for a change " +
				"that the platform does not announce. Counted when the repair is committed.",
		}, []string{"found"}),
		compared: f.NewCounter(prometheus.CounterOpts{
			Name: "inorder_reconcile_orders_compared_total",
			Help: "Orders that were compared with the platform's; a second look at one that differs counts again.",
		}),
		lastSuccess: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inorder_reconcile_last_success_timestamp_seconds",
			Help: "When this process last finished going through the orders; 0 if it has not since it started. It is there with an API key only.",
		}, nil),
	}
	for _, d := range []inorder.Drift{inorder.DriftMissing, inorder.DriftDifferent, inorder.DriftSilent} {
		m.repairs.WithLabelValues(string(d)) // so that an increase from nothing shows
	}
	return m
}

// Repaired counts an order that was repaired.
func (m *Metrics) Repaired(d inorder.Drift) { m.repairs.WithLabelValues(string(d)).Inc() }

// Expect shows that a reconciliation is to succeed in this process, though none has yet. Without it, a worker that never
// finishes one looks like a worker without a platform.
func (m *Metrics) Expect() { m.lastSuccess.WithLabelValues() }

// Succeeded notes that a reconciliation of all orders has just ended.
func (m *Metrics) Succeeded() { m.lastSuccess.WithLabelValues().SetToCurrentTime() }
