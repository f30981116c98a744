package activities

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// What reconciliation says about itself. A repair that is not "silent" means that a webhook was lost: docs/alerts.yml.
var (
	repairs = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "inorder_reconcile_repairs_total",
		Help: "Orders that were put right from the platform's API, by what was found: missing, different, or silent for a change " +
			"that the platform does not announce. Counted when the repair is committed.",
	}, []string{"found"})

	compared = promauto.NewCounter(prometheus.CounterOpts{
		Name: "inorder_reconcile_orders_compared_total",
		Help: "Orders that were compared with the platform's; a second look at one that differs counts again.",
	})

	// A vector, so that it is only there where reconciliation is to run: see ExpectReconcile.
	lastSweep = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "inorder_reconcile_last_success_timestamp_seconds",
		Help: "When this process last finished going through the orders; 0 if it has not since it started. It is there with an API key only.",
	}, nil)
)

// ExpectReconcile has a worker be seen that never finishes a reconciliation. Without it such a worker, and one that has no
// platform to ask, look the same.
func ExpectReconcile() { lastSweep.WithLabelValues() }

func init() { // so that an increase from nothing shows
	for _, found := range []string{"missing", "different", "silent"} {
		repairs.WithLabelValues(found)
	}
}
