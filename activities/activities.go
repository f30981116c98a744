// Package activities is the code that talks to PostgreSQL on behalf of the workflows. Every activity may run twice,
// and its comment says why that is harmless.
package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// Activities are the activities and what they depend on. A nil *Activities names the methods, so that the compiler
// checks what a workflow executes.
type Activities struct {
	DB   DB
	Wake WakeFunc
	// Begin starts the workflow of an event that is made of the platform's answer.
	Begin BeginFunc
	Log   *slog.Logger

	// MaxEventSkew is how much later than its receipt an event may be dated. Later ones need attention: they would
	// freeze what they set until then.
	MaxEventSkew time.Duration
	Wait         WaitPolicy
	// EventRetention is how long webhook_events rows are kept.
	EventRetention time.Duration

	// ReconcileWindow is how long after its creation an order is compared with the platform's though it is not open any more.
	ReconcileWindow time.Duration

	Platform       *platform.Client // nil without an API key
	Endpoints      endpoints.Store
	HookAutorepair bool // whether CheckSubscription puts right what is wrong

	questions questions // of FetchOrder
}

// DB is a *pgxpool.Pool, or what a test puts in its place.
type DB interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// WakeFunc tells the workflow of a waiting event to look again, and starts it anew if it is gone. It must be
// idempotent, and must not revive a workflow that has completed.
type WakeFunc func(ctx context.Context, e inorder.Event) error

// BeginFunc starts the workflow of an event, as the receiver does. It must be idempotent: an event that has one, or had
// one that completed, is no error.
type BeginFunc func(ctx context.Context, e inorder.Event) error

// Receipt is what the receiver knows of an event beyond its bytes.
type Receipt struct {
	EventID    string    `json:"event_id"`
	ReceivedAt time.Time `json:"received_at"`
}

// readEvent parses the envelope as the workflow carries it. The ID is the receipt's: one that was derived from the
// body must outlive the body's way through jsonb, which does not keep its bytes.
func readEvent(body converter.RawValue, r Receipt) (inorder.Event, error) {
	e, err := inorder.ParseEvent(body.Payload().GetData())
	e.ID, e.ReceivedAt = r.EventID, r.ReceivedAt
	return e, err
}
