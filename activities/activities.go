// Package activities is the code that talks to PostgreSQL on behalf of the workflows. Every activity may run twice,
// and its comment says why that is harmless.
package activities

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/bulk"
	"inorder/internal/loglimit"
	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	"inorder/internal/store"
	"inorder/internal/sweep"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
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
	Traffic    *traffic.Recorder // nil: nothing is counted
	Ends       *telemetry.Ends   // nil: nothing is logged of events that end

	// MaxEventSkew is how much later than its receipt an event may be dated. Later ones need attention: they would
	// freeze what they set until then.
	MaxEventSkew time.Duration
	Wait         WaitPolicy
	// EventRetention is how long webhook_events rows are kept.
	EventRetention time.Duration
	// PayloadRetention is how long their payloads are kept, at most as long.
	PayloadRetention time.Duration
	// RefusedRetention is how long refused deliveries are kept; zero for ever.
	RefusedRetention time.Duration

	// ReconcileWindow is how long after its creation an order is compared with the platform's though it is not open any more.
	ReconcileWindow time.Duration
	Reconcile       *reconcile.Metrics

	Operator bulk.Operator // of RunBulk

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
	// Start starts the workflow of an event that PostgreSQL doesn't know to have ended. An event that has one is no error. One that had
	// one gets another: after PostgreSQL was restored from a backup it knows less than Temporal.
	Start(ctx context.Context, e inorder.Event) error
	// CanceledBy returns who asked for the cancellation of a run, and why; empty where Temporal doesn't know.
	CanceledBy(ctx context.Context, r sweep.Run) (actor, reason string, err error)
	// SignaledBy returns who last sent a run a signal of this name; "" where Temporal doesn't know.
	SignaledBy(ctx context.Context, r sweep.Run, signal string) (actor string, err error)
}

// Receipt is what the receiver knows of an event beyond its bytes.
type Receipt struct {
	EventID    string    `json:"event_id"`
	ReceivedAt time.Time `json:"received_at"`
	// RetriedAt is when a person last said "retry": from then on the event's date is judged by that time.
	RetriedAt time.Time `json:"retried_at,omitzero"`
	// RetriedBy is who did, until that is in the audit; nil if it is.
	RetriedBy *Act `json:"retried_by,omitempty"`
	// Replay is set if a person has the event applied again after it ended.
	Replay *Replay `json:"replay,omitempty"`
}

// since is from when on the event has been on its way.
func (r Receipt) since() time.Time {
	if r.Replay != nil {
		return r.Replay.At
	}
	return r.ReceivedAt
}

// Replay is how an event that had ended is applied again. Older programs don't know it: to them the event has ended.
type Replay struct {
	WorkflowID string    `json:"workflow_id"` // which is not the event's
	At         time.Time `json:"at"`          // if it has to wait, it waits as long as one that was received then
	// Act is who asked for it, and undoes the event's end once; nil where it has been undone: the event waits, or needs a person.
	Act *Act `json:"act,omitempty"`
}

// Act is what a person did.
type Act struct {
	ID     string `json:"id,omitempty"` // the audit has it once
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
	BulkID string `json:"bulk_id,omitempty"`
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
