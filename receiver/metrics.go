package receiver

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inorder/internal/traffic"
)

// Metrics are the receiver's metrics beside those of traffic.Recorder, which counts the deliveries by their result.
type Metrics struct {
	refusedSignatures prometheus.Counter
	acknowledged      prometheus.Histogram
	noDelivery        [len(refusals)]prometheus.Counter // in the order of refusals
}

// refusals are the statuses of refused requests that are no deliveries: cut short, too slow, with another path or method than ours, not
// HTTP, or the doctor's probe. Any other status counts as "other".
var refusals = [...]string{"400", "404", "405", "408", "413", "431", other}

const other = "other"

// NewMetrics returns metrics that are registered with r, or with nothing if r is nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	with := promauto.With(r)
	m := &Metrics{
		refusedSignatures: with.NewCounter(prometheus.CounterOpts{
			Name: "inorder_signatures_refused_total",
			Help: "Deliveries answered 401: the signature was missing, malformed or did not match a valid secret.",
		}),
		acknowledged: with.NewHistogram(prometheus.HistogramOpts{
			Name: "inorder_ack_seconds",
			Help: "Time from reading the head of a delivery to acknowledging it. Refused deliveries do not count.",
			// A delivery takes a millisecond; during an outage of Temporal it takes the budget. The platform gives up after 30 s.
			Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		}),
	}
	refused := with.NewCounterVec(prometheus.CounterOpts{
		Name: "inorder_requests_refused_total",
		Help: "Refused requests that are not deliveries, by status.",
	}, []string{"status"})
	for i, status := range refusals {
		m.noDelivery[i] = refused.WithLabelValues(status)
	}
	return m
}

// refused counts an answer that refuses a request.
func (r *Receiver) refused(a answer) {
	if a.result == "" {
		i := slices.Index(refusals[:], strconv.Itoa(a.status))
		if i < 0 {
			i = len(refusals) - 1
		}
		r.o.Metrics.noDelivery[i].Inc()
		return
	}
	r.o.Traffic.Delivery(a.result)
	if a.result == traffic.BadSignature {
		r.o.Metrics.refusedSignatures.Inc()
	}
}

// acknowledged counts the acknowledgement of a delivery; began is when its head was read.
func (r *Receiver) acknowledged(result string, began time.Time) {
	r.o.Traffic.Delivery(result)
	r.o.Metrics.acknowledged.Observe(time.Since(began).Seconds())
}
