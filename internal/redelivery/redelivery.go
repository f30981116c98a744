// Package redelivery looks whether an event that was delivered again is the same event. The signature covers no time, so an
// ID that comes back with another body is a sender's mistake, or somebody who has the secret. It looks after the delivery was
// answered: a duplicate is a duplicate, and the first body counts.
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
)

// OtherBodies counts events that came again with another body.
var OtherBodies = promauto.NewCounter(prometheus.CounterOpts{
	Name: "inorder_other_bodies_total",
	Help: "Events that came again under their ID with another body. The first one counts.",
})

// Hashes finds the SHA-256 of an event's first body. found is false while nobody knows, because the event is still on its way.
type Hashes interface {
	BodyHash(ctx context.Context, eventID string) (hash []byte, found bool, err error)
}

// Watcher compares duplicates with what is known, one at a time. A flood of them is sampled.
type Watcher struct {
	hashes Hashes
	log    *slog.Logger
	queue  chan duplicate
}

type duplicate struct {
	id, eventType string
	hash          [sha256.Size]byte
}

const (
	waiting = 256             // duplicates that may wait to be looked at; more are not looked at
	perLook = 5 * time.Second // what one look may take
)

// New returns a watcher that looks at nothing until Run.
func New(hashes Hashes, log *slog.Logger) *Watcher {
	return &Watcher{hashes: hashes, log: log, queue: make(chan duplicate, waiting)}
}

// Duplicate takes an event that was answered as a duplicate. It never waits, and keeps nothing of the event's body.
func (w *Watcher) Duplicate(e inorder.Event) {
	if len(w.queue) == cap(w.queue) { // not worth a hash
		return
	}
	select {
	case w.queue <- duplicate{e.ID, e.Type, sha256.Sum256(e.Body)}:
	default:
	}
}

// Run looks until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-w.queue:
			w.look(ctx, d)
		}
	}
}

func (w *Watcher) look(ctx context.Context, d duplicate) {
	ctx, cancel := context.WithTimeout(ctx, perLook)
	defer cancel()
	hash, found, err := w.hashes.BodyHash(ctx, d.id)
	if err != nil || !found || bytes.Equal(hash, d.hash[:]) {
		return // what cannot be looked at now is noticed when it comes again, or not at all: it changes nothing
	}
	OtherBodies.Inc()
	w.log.Warn("an event came again with another body, which is ignored", "event_id", d.id, "event_type", d.eventType)
}
