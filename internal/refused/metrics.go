package refused

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics count what becomes of refusals.
type Metrics struct {
	kept  prometheus.Counter
	drops map[string]prometheus.Counter
}

// Why a refusal left no sample.
const (
	dropQueue     = "queue"     // there was no room to explain it, or no time before the end
	dropRate      = "rate"      // there were enough of its kind in that minute
	dropUnwritten = "unwritten" // PostgreSQL was away, and there was no room to keep it for longer
)

// NewMetrics returns metrics that are registered, unless r is nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	dropped := promauto.With(r).NewCounterVec(prometheus.CounterOpts{
		Name: "inorder_refused_dropped_total",
		Help: "Refused deliveries that left no row in refused_deliveries, by why: the queue was full, there were enough of the kind in that minute, or PostgreSQL did not answer.",
	}, []string{"why"})
	m := &Metrics{drops: map[string]prometheus.Counter{}, kept: promauto.With(r).NewCounter(prometheus.CounterOpts{
		Name: "inorder_refused_kept_total",
		Help: "Refused deliveries that are, or were, a row in refused_deliveries.",
	})}
	for _, why := range []string{dropQueue, dropRate, dropUnwritten} {
		m.drops[why] = dropped.WithLabelValues(why)
	}
	return m
}

func (m *Metrics) dropped(why string) { m.drops[why].Inc() }
