package activities

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

const (
	// No ON CONFLICT: a row that is already there is an error, never a second effect.
	insertEventSQL = `
INSERT INTO webhook_events (event_id, type, order_id, outcome, detail, occurred_at, payload)
VALUES ($1, left($2, 128), nullif($3, ''), $4, $5, $6, $7)`

	deletePendingSQL = `DELETE FROM pending_events WHERE event_id = $1`

	upsertPendingSQL = `
INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase)
VALUES ($1, $2, left($3, 128), $4, $5, $6, $7)
ON CONFLICT (event_id) DO UPDATE SET phase = excluded.phase`

	insertOrderSQL = `
INSERT INTO orders (id, status, status_at, payment_status, payment_at, fulfillment_status, fulfillment_at, last_webhook_at,
                    store_id, number, total_amount, currency, data, data_at, data_rank, data_event_id)
VALUES ($1, nullif($2, ''), $3, nullif($4, ''), $5, nullif($6, ''), $7, $8,
        nullif($9, ''), nullif($10, ''), $11, nullif($12, ''), $13, $14, $15, $16)`

	updateAspectsSQL = `
UPDATE orders SET status = nullif($2, ''), status_at = $3, payment_status = nullif($4, ''), payment_at = $5,
       fulfillment_status = nullif($6, ''), fulfillment_at = $7, last_webhook_at = $8, store_id = nullif($9, ''), updated_at = now()
WHERE id = $1`

	updateOrderSQL = `
UPDATE orders SET status = nullif($2, ''), status_at = $3, payment_status = nullif($4, ''), payment_at = $5,
       fulfillment_status = nullif($6, ''), fulfillment_at = $7, last_webhook_at = $8, updated_at = now(),
       store_id = nullif($9, ''), number = nullif($10, ''), total_amount = $11, currency = nullif($12, ''),
       data = $13, data_at = $14, data_rank = $15, data_event_id = $16
WHERE id = $1`

	// Nothing at all, and so a failed check below, when the part turns out to be another order's.
	upsertPartSQL = `
INSERT INTO order_parts AS p (kind, id, order_id, status, amount, currency, data, event_id, last_webhook_at)
VALUES ($1, $2, $3, nullif($4, ''), $5, nullif($6, ''), $7, $8, $9)
ON CONFLICT (kind, id) DO UPDATE
SET status = excluded.status, amount = excluded.amount, currency = excluded.currency, data = excluded.data,
    event_id = excluded.event_id, last_webhook_at = excluded.last_webhook_at
WHERE p.order_id = excluded.order_id
RETURNING true`
)

// writePending records that the event waits. Its row is what the event that creates the order looks for.
func writePending(ctx context.Context, tx pgx.Tx, e inorder.Event, c inorder.Change, phase inorder.Outcome) error {
	_, err := tx.Exec(ctx, upsertPendingSQL, e.ID, c.OrderID, e.Type, storable(e.Body), c.At, e.ReceivedAt, phase)
	return err
}

// writeEnd writes the event's row and its effect, in one round trip.
func writeEnd(ctx context.Context, tx pgx.Tx, e inorder.Event, c inorder.Change, d inorder.Decision) error {
	b := &pgx.Batch{}
	queueEvent(b, e, c.OrderID, d.Outcome, d.Detail)
	if d.Outcome == inorder.Applied {
		queueOrder(b, c, d)
	}
	for _, p := range d.NewParts {
		b.Queue(upsertPartSQL, p.Kind, p.ID, c.OrderID, p.Status, p.Amount, p.Currency, storable(p.Data), p.EventID, p.At).
			QueryRow(func(row pgx.Row) error {
				var ours bool
				return row.Scan(&ours)
			})
	}
	return tx.SendBatch(ctx, b).Close()
}

func queueEvent(b *pgx.Batch, e inorder.Event, orderID string, outcome inorder.Outcome, detail string) {
	b.Queue(insertEventSQL, e.ID, e.Type, orderID, outcome, detail, nullTime(e.OccurredAt), storable(e.Body))
	b.Queue(deletePendingSQL, e.ID)
}

func queueOrder(b *pgx.Batch, c inorder.Change, d inorder.Decision) {
	o := d.Order
	args := []any{o.ID, o.Status.Value, nullTime(o.Status.At), o.PaymentStatus.Value, nullTime(o.PaymentStatus.At),
		o.FulfillmentStatus.Value, nullTime(o.FulfillmentStatus.At), o.LastWebhookAt, o.StoreID}
	if !d.NewSnapshot {
		b.Queue(updateAspectsSQL, args...)
		return
	}
	s := o.Snapshot
	args = append(args, s.Number, s.TotalAmount, s.Currency, storable(s.Data), s.At, s.Rank, s.EventID)
	if d.Created {
		b.Queue(insertOrderSQL, args...)
	} else {
		b.Queue(updateOrderSQL, args...)
	}
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
