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
	"inorder/internal/loglimit"
)

var otherBodies = promauto.NewCounter(prometheus.CounterOpts{
	Name: "inorder_other_bodies_total",
	Help: "Events that came again under their ID with another body. The first one counts.",
})

// Notice counts an event that came again with another body, and logs it with the event's attributes. Whoever has the
// secret can send many.
func Notice(log *loglimit.Logger, event ...any) {
	otherBodies.Inc()
	log.Log(slog.LevelWarn, "another body", "an event came again with another body, which is ignored", event...)
}

// Hashes finds the SHA-256 of an event's first body. found is false while nobody knows, because the event is still on its way.
type Hashes interface {
	BodyHash(ctx context.Context, eventID string) (hash []byte, found bool, err error)
}

// Watcher compares duplicates with what is known, one at a time. A flood of them is sampled.
type Watcher struct {
	hashes Hashes
	log    *loglimit.Logger
	queue  chan duplicate
	later  chan struct{} // one for each that will be looked at again
}

type duplicate struct {
	id, eventType string
	hash          [sha256.Size]byte
	looks         int // that found nothing to compare it with
}

const (
	waiting = 256             // duplicates that may wait to be looked at, and as many to be looked at again; more are not looked at
	perLook = 5 * time.Second // what one look may take
)

// pauses come before a further look at a duplicate whose first delivery has no row yet, or while PostgreSQL is away.
var pauses = []time.Duration{5 * time.Second, 30 * time.Second}

// New returns a watcher that looks at nothing until Run.
func New(hashes Hashes, log *loglimit.Logger) *Watcher {
	return &Watcher{hashes: hashes, log: log, queue: make(chan duplicate, waiting), later: make(chan struct{}, waiting)}
}

// Duplicate takes an event that is a duplicate, before that is answered. It never waits, and keeps nothing of the event's
// body. Its hash costs at most what the signature's cost.
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
	switch {
	case err != nil || !found:
		w.lookAgain(d)
	case !bytes.Equal(hash, d.hash[:]):
		Notice(w.log, "event_id", d.id, "event_type", d.eventType)
	}
}

// lookAgain puts the duplicate into the queue after a pause. After the last one it is noticed when it comes again, or not at
// all: it changes nothing.
func (w *Watcher) lookAgain(d duplicate) {
	if d.looks == len(pauses) {
		return
	}
	select {
	case w.later <- struct{}{}:
	default:
		return
	}
	pause := pauses[d.looks]
	d.looks++
	time.AfterFunc(pause, func() {
		<-w.later
		w.put(d)
	})
}
