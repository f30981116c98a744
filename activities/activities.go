// Package activities is the code that talks to PostgreSQL on behalf of the workflows. Every activity may run twice,
// and its comment says why that is harmless.
package activities

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/loglimit"
	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	"inorder/internal/store"
	"inorder/internal/sweep"
	"inorder/internal/webhooks"
)

// Activities are the activities and what they depend on. A nil *Activities names the methods, so that the compiler
// checks what a workflow executes.
type Activities struct {
	Store  *store.Store
	Events Events
	Log    *slog.Logger
	// Limited goes into Log, for what a sender or an outage can multiply.
	Limited    *loglimit.Logger
	Redelivery *redelivery.Metrics

	// MaxEventSkew is how much later than its receipt an event may be dated. Later ones need attention: they would
	// freeze what they set until then.
	MaxEventSkew time.Duration
	Wait         WaitPolicy
	// EventRetention is how long webhook_events rows are kept.
	EventRetention time.Duration

	// ReconcileWindow is how long after its creation an order is compared with the platform's though it is not open any more.
	ReconcileWindow time.Duration
	Reconcile       *reconcile.Metrics

	Platform       *platform.Client // nil without an API key
	Webhooks       webhooks.Store
	WebhookMetrics *webhooks.Metrics
	HookAutorepair bool // whether CheckSubscription repairs what is wrong

	questions questions // of FetchOrder
}

// Events is what the activities need of the events' workflows; workflows.Events implements it with a Temporal client. Every
// method may be called again.
type Events interface {
	sweep.Engine
	// Start starts the workflow of an event, as the receiver does. An event that has one, or had one that completed, is no
	// error.
	Start(ctx context.Context, e inorder.Event) error
	// CanceledBy returns who asked for the cancellation of a run, and why; empty where Temporal doesn't know.
	CanceledBy(ctx context.Context, r sweep.Run) (actor, reason string, err error)
}

// Receipt is what the receiver knows of an event beyond its bytes.
type Receipt struct {
	EventID    string    `json:"event_id"`
	ReceivedAt time.Time `json:"received_at"`
	// RetriedAt is when a person last said "retry": from then on the event's date is judged by that time.
	RetriedAt time.Time `json:"retried_at,omitzero"`
}

// readEvent parses the envelope as the workflow carries it. The ID is the receipt's: one that was derived from the
// body must outlive an older program's way through jsonb, which does not keep the bytes.
func readEvent(body converter.RawValue, r Receipt) (inorder.Event, error) {
	raw := body.Payload().GetData()
	e, err := inorder.ParseEvent(raw)
	if err != nil {
		e = inorder.Event{Body: raw}
	}
	e.ID, e.ReceivedAt, e.RetriedAt = r.EventID, sendable(r.ReceivedAt), sendable(r.RetriedAt)
	return e, err
}

// sendable returns the time, or the nearest one that has a JSON form and so can be sent through Temporal. Others come from
// receipts that somebody typed.
func sendable(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Year() < 0:
		return time.Time{}
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}
