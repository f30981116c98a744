package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/converter"

	"inorder"
)

// ApplyEventInput is what ApplyEvent is told beside the event itself.
type ApplyEventInput struct {
	Receipt Receipt       `json:"receipt"`
	Age     time.Duration `json:"age"` // since its receipt, in nanoseconds
}

// ApplyEventResult says what became of the event.
type ApplyEventResult struct {
	Outcome inorder.Outcome `json:"outcome"`
	Detail  string          `json:"detail,omitempty"`
	OrderID string          `json:"order_id,omitempty"`
	// Waiters is how many events wait for the order that this event creates.
	Waiters int `json:"waiters,omitempty"`
	// LookAgain is when a waiting event should be applied again by itself, counted from now, in nanoseconds.
	LookAgain time.Duration `json:"look_again,omitempty"`
	// AskPlatform is set when a waiting event is so old that the platform should be asked for its order: see FetchOrder.
	AskPlatform bool `json:"ask_platform,omitempty"`
}

// ApplyEvent applies an event to its order in one transaction and four round trips: begin, a batch that locks and
// reads, a batch that writes, commit.
//
// It may run twice: the event's row in webhook_events is written with the effect, so a second run finds it, answers
// what the first one recorded, and writes nothing. What needs a person is an outcome, Attention, and not an error; an
// error is non-retryable only if the same event can never succeed (see classify).
func (a *Activities) ApplyEvent(ctx context.Context, body converter.RawValue, in ApplyEventInput) (ApplyEventResult, error) {
	e, err := readEvent(body, in.Receipt)
	change, reason := a.judge(e, err)

	var result ApplyEventResult
	found := inorder.FoundSame // by a reconciled order that this run applies
	err = a.inTransaction(ctx, func(tx pgx.Tx) error {
		known, err := lockAndRead(ctx, tx, e, change)
		if err != nil {
			return err
		}
		result = ApplyEventResult{OrderID: change.OrderID}
		if change.Creates {
			result.Waiters = known.waiters
		}
		if known.outcome != "" {
			result.Outcome, result.Detail = known.outcome, known.detail
			return nil
		}
		if reason != "" {
			result.Outcome, result.Detail = inorder.Attention, reason
			return nil
		}
		d := known.order.Apply(change)
		if d.Outcome == inorder.Waiting {
			wait := a.waitPolicy()
			d.Outcome, result.LookAgain = wait.at(in.Age)
			result.AskPlatform = wait.asks(in.Age) && d.Outcome != inorder.Expired
		}
		result.Outcome, result.Detail = d.Outcome, d.Detail
		switch d.Outcome {
		case inorder.Attention:
			return nil
		case inorder.Waiting, inorder.Stuck:
			return writePending(ctx, tx, e, change, d.Outcome)
		case inorder.Applied:
			if e.Type == inorder.TypeReconciled {
				found = known.order.Repaired(change, d.Order)
			}
		}
		return writeEnd(ctx, tx, e, change, d)
	})
	if err != nil {
		return ApplyEventResult{}, classify(fmt.Errorf("apply event %s: %w", e.ID, err))
	}
	if found != inorder.FoundSame {
		repairs.WithLabelValues(string(found)).Inc()
		a.Log.Info("order repaired", "found", found, "order_id", result.OrderID, "event_id", e.ID)
	}
	return result, nil
}

// judge reads what the event says about its order. A reason is why a person must look at it instead; the change then
// holds the order's ID at most. unreadable is ParseEvent's error.
func (a *Activities) judge(e inorder.Event, unreadable error) (change inorder.Change, reason string) {
	change, err := e.Change()
	if err = cmp.Or(unreadable, err); err != nil {
		return inorder.Change{OrderID: e.OrderID()}, err.Error()
	}
	if reason = change.Ahead(e.ReceivedAt, a.MaxEventSkew); reason != "" {
		return inorder.Change{OrderID: change.OrderID}, reason
	}
	return change, ""
}

// inTransaction commits if f returns nil. Read committed is named, whatever the server's default, because every read
// must see what was committed before the lock was granted.
func (a *Activities) inTransaction(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, a.DB, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, f)
}

// known is what the database knows when an event comes to be applied.
type known struct {
	outcome inorder.Outcome // of the event, if it was processed before
	detail  string
	waiters int // events that wait for the order
	order   inorder.Order
}

// The order's lock serialises the events of one order, and makes "the order is missing, so I wait" and "I create the
// order, who waits?" exclude each other. It is a lock on the ID because there may be no row yet, and scoped to the
// transaction because session locks break under a transaction pooler.
const (
	lockSQL = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`

	selectEventSQL = `SELECT outcome, detail FROM webhook_events WHERE event_id = $1`

	countWaitersSQL = `SELECT count(*) FROM pending_events WHERE order_id = $1 AND event_id <> $2`

	// Not data: the snapshot is only ever replaced, never read, and may be a megabyte.
	orderColumns = `
       id, coalesce(store_id, ''), coalesce(status, ''), status_at, coalesce(payment_status, ''), payment_at, coalesce(fulfillment_status, ''),
       fulfillment_at, total_amount, coalesce(currency, ''), data_at, data_rank, data_event_id, last_webhook_at`

	selectOrderSQL = `SELECT` + orderColumns + ` FROM orders WHERE id = $1`
)

// lockAndRead is one round trip. The lock comes first, so that the reads see everything committed under it.
func lockAndRead(ctx context.Context, tx pgx.Tx, e inorder.Event, c inorder.Change) (known, error) {
	k := known{}
	b := &pgx.Batch{}
	b.Queue(lockSQL, lockName(e.ID, c.OrderID))
	b.Queue(selectEventSQL, e.ID).QueryRow(optional(func(row pgx.Row) error {
		return row.Scan(&k.outcome, &k.detail)
	}))
	if c.OrderID != "" {
		b.Queue(selectOrderSQL, c.OrderID).QueryRow(optional(func(row pgx.Row) error {
			return scanOrder(row, &k.order)
		}))
	}
	if c.Creates {
		b.Queue(countWaitersSQL, c.OrderID, e.ID).QueryRow(func(row pgx.Row) error {
			return row.Scan(&k.waiters)
		})
	}
	queueParts(b, e, c, &k.order)
	err := tx.SendBatch(ctx, b).Close()
	return k, err
}

// lockName is the order's ID, or the event's own where there is no order. The prefix keeps the two apart.
func lockName(eventID, orderID string) string {
	if orderID == "" {
		return "event " + eventID
	}
	return "order " + orderID
}

// optional lets a row be absent.
func optional(scan func(pgx.Row) error) func(pgx.Row) error {
	return func(row pgx.Row) error {
		if err := scan(row); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	}
}

func scanOrder(row pgx.Row, o *inorder.Order) error {
	var status, payment, fulfillment *time.Time
	err := row.Scan(&o.ID, &o.StoreID, &o.Status.Value, &status, &o.PaymentStatus.Value, &payment, &o.FulfillmentStatus.Value,
		&fulfillment, &o.Snapshot.TotalAmount, &o.Snapshot.Currency, &o.Snapshot.At, &o.Snapshot.Rank, &o.Snapshot.EventID, &o.LastWebhookAt)
	o.Status.At, o.PaymentStatus.At, o.FulfillmentStatus.At = timeOf(status), timeOf(payment), timeOf(fulfillment)
	return err
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
