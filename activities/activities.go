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

// Activities has the activities as its methods, and what they depend on. Workflows name them through a nil *Activities, so
// that the compiler checks what a workflow executes.
type Activities struct {
	Store  *store.Store
	Events Events
	Log    *slog.Logger
	// Limited writes to Log the lines that a sender or an outage can multiply, at a limited rate.
	Limited    *loglimit.Logger
	Redelivery *redelivery.Metrics
	Traffic    *traffic.Recorder // nil: nothing is counted
	Ends       *telemetry.Ends   // nil: events that end are not logged

	// MaxEventSkew is how much later than its receipt an event may be dated. One with a later date needs attention: until that
	// date, nothing newer could change what it sets.
	MaxEventSkew time.Duration
	Wait         WaitPolicy
	// EventRetention is how long webhook_events rows are kept.
	EventRetention time.Duration
	// PayloadRetention is how long the payloads of those rows are kept; at most EventRetention.
	PayloadRetention time.Duration
	// RefusedRetention is how long refused deliveries are kept; zero for ever.
	RefusedRetention time.Duration

	// ReconcileWindow is how long after its creation an order is compared with the platform's, even if it is no longer open.
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
// method may be called again with the same arguments.
type Events interface {
	sweep.Engine
	// Start starts the workflow of an event that, as far as PostgreSQL knows, has not ended. A workflow that is running is no error. If the
	// event's workflow has ended, Start starts another: PostgreSQL knows less than Temporal after it was restored from a backup.
	Start(ctx context.Context, e inorder.Event) error
	// CanceledBy returns who asked for the cancellation of a run, and why; "" for what Temporal doesn't know.
	CanceledBy(ctx context.Context, r sweep.Run) (actor, reason string, err error)
	// SignaledBy returns who last sent a run a signal of this name; "" if Temporal doesn't know.
	SignaledBy(ctx context.Context, r sweep.Run, signal string) (actor string, err error)
}

// Receipt is what is known about an event besides its bytes.
type Receipt struct {
	EventID    string    `json:"event_id"`
	ReceivedAt time.Time `json:"received_at"`
	// RetriedAt is when a person last asked for a retry. From then on, MaxEventSkew counts from that time instead of ReceivedAt.
	RetriedAt time.Time `json:"retried_at,omitzero"`
	// RetriedBy is the act that asked for it, until it is in the audit; then nil.
	RetriedBy *Act `json:"retried_by,omitempty"`
	// Replay is set if a person asked to apply the event again after it ended.
	Replay *Replay `json:"replay,omitempty"`
}

// since returns when the event was received or, in a replay, when the replay was asked for.
func (r Receipt) since() time.Time {
	if r.Replay != nil {
		return r.Replay.At
	}
	return r.ReceivedAt
}

// Replay applies an event that had ended again. Older programs don't know replays: to them the event has ended.
type Replay struct {
	WorkflowID string    `json:"workflow_id"` // of the replay, not the event's own
	At         time.Time `json:"at"`          // if the event has to wait, it waits as long as one that was received then
	// Act is the act that asked for the replay. It undoes the event's end, once. nil if that is done already: the event waits or needs a person.
	Act *Act `json:"act,omitempty"`
}

// Act is what a person did.
type Act struct {
	ID     string `json:"id,omitempty"` // the audit records an ID once
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
	BulkID string `json:"bulk_id,omitempty"`
}

// readEvent parses the envelope as the workflow carries it. The ID comes from the receipt: an older program may have stored
// the body as jsonb, which doesn't keep its bytes, so an ID that was derived from them couldn't be derived again.
func readEvent(body converter.RawValue, r Receipt) (inorder.Event, error) {
	raw := body.Payload().GetData()
	e, err := inorder.ParseEvent(raw)
	if err != nil {
		e = inorder.Event{Body: raw}
	}
	e.ID, e.ReceivedAt, e.RetriedAt = r.EventID, sendable(r.ReceivedAt), sendable(r.RetriedAt)
	return e, err
}

// sendable returns the time or, if it has no JSON form and so can't be sent through Temporal, the zero time or the end of the year 9999.
// Times without a JSON form come from receipts that somebody typed.
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
