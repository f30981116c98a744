// Package traffic counts a process's deliveries by result and the ends of its events by outcome and way, and notes when an event of each
// family last came. The counts are in memory, where Prometheus reads them. A Writer adds them to the counts by the minute that all processes
// keep in PostgreSQL; internal/store/view reads those.
package traffic

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inorder"
	"inorder/internal/delivery"
	"inorder/internal/store"
)

// The results of deliveries. A request that is no delivery at all, such as one that is cut short, has none.
const (
	Accepted     = delivery.ResultAccepted
	Duplicate    = delivery.ResultDuplicate
	Spilled      = delivery.ResultSpilled
	BadSignature = "bad_signature"
	BadEvent     = "bad_event"
	TooLarge     = "too_large"
	Unavailable  = "unavailable"
)

// What is counted. The names are in PostgreSQL, and are never changed.
var (
	results  = [...]string{Accepted, Duplicate, Spilled, BadSignature, BadEvent, TooLarge, Unavailable}
	outcomes = [...]inorder.Outcome{inorder.Applied, inorder.Stale, inorder.Ignored, inorder.Discarded, inorder.Expired}
	vias     = [...]store.Via{store.ViaWorkflow, store.ViaInbox}
	families = [...]string{"order", "payment", "fulfillment", "refund", "return", other}
)

const other = "other" // the family of events that are not about orders

// Recorder counts from the start of the process, and is a prometheus.Collector of its counts. The methods that count take nanoseconds,
// allocate nothing, and may be called concurrently. A nil Recorder counts nothing.
type Recorder struct {
	deliveries [len(results)]atomic.Int64
	ends       [len(vias)][len(outcomes)]atomic.Int64
	last       [len(families)]atomic.Int64 // microseconds since 1970; 0 for never
	took       prometheus.Histogram
}

// New returns a Recorder that has counted nothing.
func New() *Recorder { return &Recorder{took: newTook()} }

// Delivery counts a delivery.
func (r *Recorder) Delivery(result string) {
	if r == nil {
		return
	}
	if i := slices.Index(results[:], result); i >= 0 {
		r.deliveries[i].Add(1)
	}
}

// Event notes when an event of this type came.
func (r *Recorder) Event(eventType string, at time.Time) {
	if r == nil {
		return
	}
	i := len(families) - 1
	if inorder.IsAboutOrders(eventType) {
		i = slices.Index(families[:], inorder.Family(eventType))
	}
	for us := at.UnixMicro(); ; {
		last := r.last[i].Load()
		if last >= us || r.last[i].CompareAndSwap(last, us) {
			return
		}
	}
}

// Ended counts an event that has just ended, and how long it took since it was received. An outcome that is no end is not counted. If the time
// of receipt is zero, it is unknown, and only the end is counted.
func (r *Recorder) Ended(outcome inorder.Outcome, via store.Via, received time.Time) {
	if r == nil {
		return
	}
	i, j := slices.Index(vias[:], via), slices.Index(outcomes[:], outcome)
	if i < 0 || j < 0 {
		return
	}
	r.ends[i][j].Add(1)
	if !received.IsZero() {
		r.took.Observe(max(0, time.Since(received).Seconds())) // clocks differ
	}
}

// EachDelivery calls f with every result and how many deliveries had it.
func (r *Recorder) EachDelivery(f func(result string, n int64)) {
	for i := range results {
		f(results[i], r.deliveries[i].Load())
	}
}

// EachEnd calls f with every outcome and way, and how many events ended so.
func (r *Recorder) EachEnd(f func(outcome inorder.Outcome, via store.Via, n int64)) {
	for i := range vias {
		for j := range outcomes {
			f(outcomes[j], vias[i], r.ends[i][j].Load())
		}
	}
}

// EachFamily calls f with every family of which an event has come, and when the last one came.
func (r *Recorder) EachFamily(f func(family string, at time.Time)) {
	for i := range families {
		if us := r.last[i].Load(); us != 0 {
			f(families[i], time.UnixMicro(us).UTC())
		}
	}
}
