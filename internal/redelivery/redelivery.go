// Package redelivery finds events that were delivered again with another body. The signature covers no time, so that is a
// sender's mistake, or somebody who has the secret. It only counts and logs them, after the delivery was answered: a duplicate is
// a duplicate, and the first body counts.
package redelivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inorder"
	"inorder/internal/loglimit"
)

// Metrics count what was found.
type Metrics struct{ otherBodies prometheus.Counter }

// NewMetrics returns metrics that are registered, unless r is nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	return &Metrics{promauto.With(r).NewCounter(prometheus.CounterOpts{
		Name: "inorder_other_bodies_total",
		Help: "Events that came again under their ID with another body. The first one counts.",
	})}
}

// Notice counts an event that came again with another body, and logs it with the event's attributes. Whoever has the
// secret can send many. Without metrics it only logs.
func (m *Metrics) Notice(log *loglimit.Logger, event ...any) {
	if m != nil {
		m.otherBodies.Inc()
	}
	log.Log(slog.LevelWarn, "another body", "an event came again with another body, which is ignored", event...)
}

// Hashes has the SHA-256 of each event's first body.
type Hashes interface {
	// BodyHash reports not found while the event is still on its way into the table.
	BodyHash(ctx context.Context, eventID string) (hash []byte, found bool, err error)
}

// Watcher compares duplicates with the first deliveries, one at a time. Of a flood it compares a sample.
type Watcher struct {
	hashes  Hashes
	metrics *Metrics
	log     *loglimit.Logger
	queue   chan duplicate
	later   chan struct{} // holds one for each duplicate that waits for its next comparison
}

type duplicate struct {
	id, eventType string
	hash          [sha256.Size]byte
	tries         int // that found nothing to compare it with
}

const (
	waiting    = 256             // duplicates that may wait for their first comparison, and as many for a later one; more are dropped
	tryTimeout = 5 * time.Second // of one comparison
)

// pauses are between the comparisons of a duplicate whose first delivery has no row yet, or while PostgreSQL is away.
var pauses = []time.Duration{5 * time.Second, 30 * time.Second}

// New returns a watcher that compares nothing before Run.
func New(hashes Hashes, metrics *Metrics, log *loglimit.Logger) *Watcher {
	return &Watcher{hashes, metrics, log, make(chan duplicate, waiting), make(chan struct{}, waiting)}
}

// Duplicate queues a duplicate for comparison. It never waits, and keeps nothing of the event's body. Hashing it costs at most
// what verifying its signature did.
func (w *Watcher) Duplicate(e inorder.Event) {
	if len(w.queue) < cap(w.queue) { // else it is not worth a hash
		w.put(duplicate{id: e.ID, eventType: e.Type, hash: sha256.Sum256(e.Body)})
	}
}

func (w *Watcher) put(d duplicate) {
	select {
	case w.queue <- d:
	default:
	}
}

// Run compares until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-w.queue:
			w.compare(ctx, d)
		}
	}
}

func (w *Watcher) compare(ctx context.Context, d duplicate) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	hash, found, err := w.hashes.BodyHash(ctx, d.id)
	switch {
	case err != nil || !found:
		w.retry(d)
	case !bytes.Equal(hash, d.hash[:]):
		w.metrics.Notice(w.log, "event_id", d.id, "event_type", d.eventType)
	}
}

// retry queues the duplicate again after a pause. After the last one it is dropped: if it comes once more, that is noticed.
func (w *Watcher) retry(d duplicate) {
	if d.tries == len(pauses) {
		return
	}
	select {
	case w.later <- struct{}{}:
	default:
		return
	}
	pause := pauses[d.tries]
	d.tries++
	time.AfterFunc(pause, func() {
		<-w.later
		w.put(d)
	})
}
