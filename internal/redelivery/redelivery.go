// Package redelivery notices an event that is delivered again with another body. The signature does not cover a time,
// so that is a sender's mistake, or somebody who has the secret. It compares after the delivery was answered: a
// duplicate stays a duplicate, and the first body counts.
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
	"inorder/internal/telemetry"
)

// Metrics count what this process noticed.
type Metrics struct{ otherBodies prometheus.Counter }

// NewMetrics registers the metrics. With nil they are counted, but shown nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	return &Metrics{promauto.With(r).NewCounter(prometheus.CounterOpts{
		Name: "inorder_other_bodies_total",
		Help: "Events delivered again with a different body. The first body counts.",
	})}
}

// Notice counts an event that came again with another body, and logs it with the event's attributes: see
// telemetry.Attrs. Whoever has the secret can send many, so the log is limited.
func (m *Metrics) Notice(log *loglimit.Logger, event []any) {
	m.otherBodies.Inc()
	log.Log(slog.LevelWarn, "another body", "an event was delivered again with a different body, which is ignored", event...)
}

// Hashes returns the SHA-256 of an event's first body. found is false while the event has no row.
type Hashes interface {
	BodyHash(ctx context.Context, eventID string) (hash []byte, found bool, err error)
}

// Watcher compares duplicates with the first delivery of their event, one at a time. A flood of them is sampled.
type Watcher struct {
	hashes  Hashes
	metrics *Metrics
	log     *loglimit.Logger
	queue   chan duplicate
	later   chan struct{} // one for each that will be compared again
}

type duplicate struct {
	id    string
	attrs []any // for the log
	hash  [sha256.Size]byte
	tries int // comparisons that found no first body
}

const (
	waiting = 256             // duplicates that may wait to be compared, and as many to be compared again; more are not compared
	perTry  = 5 * time.Second // what one comparison may take
)

// pauses are the waits before a duplicate is compared again, because its first delivery has no row yet or PostgreSQL is away.
var pauses = []time.Duration{5 * time.Second, 30 * time.Second}

// New returns a watcher that compares nothing until Run.
func New(hashes Hashes, m *Metrics, log *loglimit.Logger) *Watcher {
	return &Watcher{hashes: hashes, metrics: m, log: log, queue: make(chan duplicate, waiting), later: make(chan struct{}, waiting)}
}

// Duplicate takes an event that is a duplicate, before its delivery is answered. It never blocks, and keeps nothing
// of the event's body. Its hash costs at most what verifying the signature cost.
func (w *Watcher) Duplicate(e inorder.Event) {
	if len(w.queue) < cap(w.queue) { // a hash would be wasted on a full queue
		w.put(duplicate{id: e.ID, attrs: telemetry.Attrs(e), hash: sha256.Sum256(e.Body)})
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
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	hash, found, err := w.hashes.BodyHash(ctx, d.id)
	switch {
	case err != nil || !found:
		w.compareLater(d)
	case !bytes.Equal(hash, d.hash[:]):
		w.metrics.Notice(w.log, d.attrs)
	}
}

// compareLater puts the duplicate into the queue after a pause. After the last pause it is dropped: another body has
// no effect, and is noticed when it comes again.
func (w *Watcher) compareLater(d duplicate) {
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
