package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inorder"
)

const (
	deletePendingSQL = `DELETE FROM pending_events WHERE event_id = $1`

	// The row says what the event says, also when an event of the same ID said something else before. seen_at is now at
	// every look, which is how the sweep knows that a workflow is there. A body that is the same is not written again: it may
	// be a megabyte, and each look would write it and its log.
	upsertPendingSQL = `
INSERT INTO pending_events AS p (event_id, order_id, type, payload, body, occurred_at, received_at, retried_at, phase, detail, seen_at)
VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, now())
ON CONFLICT (event_id) DO UPDATE
SET order_id = excluded.order_id, type = excluded.type, occurred_at = excluded.occurred_at, received_at = excluded.received_at,
    payload = CASE WHEN p.body = excluded.body THEN p.payload ELSE excluded.payload END,
    body = CASE WHEN p.body = excluded.body THEN p.body ELSE excluded.body END,
    retried_at = excluded.retried_at, phase = excluded.phase, detail = excluded.detail, seen_at = excluded.seen_at
RETURNING (SELECT count(*) FROM (SELECT 1 FROM pending_events WHERE order_id = $2 AND phase <> 'attention' AND event_id <> $1 LIMIT 10000) AS others)`
)

// writePending records that the event waits, or needs a person, and counts those that wait beside it, up to ten thousand. The
// row of one that waits is what the event that creates its order looks for.
func writePending(ctx context.Context, tx pgx.Tx, e Event, phase inorder.Outcome, detail string) (others int, err error) {
	if phase != inorder.Attention {
		detail = "" // it is the same for all
	}
	return execPending(ctx, tx, e, e.Change.OrderID, e.payload(), nullTime(e.OccurredAt), phase, detail)
}

func execPending(ctx context.Context, tx pgx.Tx, e Event, orderID string, payload json.RawMessage, at *time.Time, phase inorder.Outcome, detail string) (others int, err error) {
	err = tx.QueryRow(ctx, upsertPendingSQL, e.ID, orderID, e.Type, payload, []byte(e.Body), at, e.ReceivedAt, nullTime(e.RetriedAt), phase, detail).Scan(&others)
	return others, err
}

// Park records that a person must look at an event whose data PostgreSQL refused: with what it takes of it, and the body as
// received. An event that has ended stays as it ended, and Known says how.
func (s *Store) Park(ctx context.Context, e Event, detail string) (k Known, err error) {
	e.hash = bodyHash(e.Body)
	full := func(tx pgx.Tx) (int, error) { return writePending(ctx, tx, e, inorder.Attention, detail) }
	bare := func(tx pgx.Tx) (int, error) {
		return execPending(ctx, tx, e, "", nil, nil, inorder.Attention, detail)
	}
	for _, write := range []func(pgx.Tx) (int, error){full, bare} {
		err = s.locked(ctx, e.Change.OrderID, func(tx pgx.Tx) error {
			only := e
			only.Change = inorder.Change{OrderID: e.Change.OrderID}
			if k, err = lockAndRead(ctx, tx, only); err != nil || k.Outcome != "" {
				return err
			}
			_, err = write(tx)
			return err
		})
		if !IsLasting(err) {
			break
		}
	}
	return k, err
}

// Waiter is an event that waits, without its body. It marks a place in the line, and has a JSON form whatever its times are:
// they are microseconds since 1970, because a time of after the year 9999 has none.
type Waiter struct {
	EventID    string `json:"event_id"`
	OccurredAt int64  `json:"occurred_us"`
	ReceivedAt int64  `json:"received_us"`
}

const selectWaitersSQL = `
SELECT event_id, occurred_at, received_at FROM pending_events
WHERE order_id = $1 AND phase <> 'attention' AND (occurred_at, received_at, event_id) > ($2, $3, $4)
ORDER BY occurred_at, received_at, event_id LIMIT $5`

// Waiters are the events that wait for an order, oldest first, from the one after a given one on; the zero Waiter is
// before all. They are read a page at a time.
func (s *Store) Waiters(ctx context.Context, orderID string, after Waiter, limit int) (page []Waiter, err error) {
	occurred, received := bound(after.OccurredAt), bound(after.ReceivedAt)
	if after == (Waiter{}) {
		occurred = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	b := &pgx.Batch{}
	b.Queue(selectWaitersSQL, orderID, occurred, received, after.EventID, limit).Query(eachRow(func(row pgx.Row) error {
		var w Waiter
		var occurred, received time.Time
		err := row.Scan(&w.EventID, &occurred, &received)
		w.OccurredAt, w.ReceivedAt = occurred.UnixMicro(), received.UnixMicro()
		page = append(page, w)
		return err
	}))
	return page, s.read(ctx, b)
}

func bound(us int64) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: time.UnixMicro(us), Valid: true}
}

const countPendingSQL = `SELECT count(*) FROM pending_events WHERE event_id = ANY($1) AND phase <> 'attention'`

// CountWaiting is how many of these events still wait.
func (s *Store) CountWaiting(ctx context.Context, events []string) (n int, err error) {
	b := &pgx.Batch{}
	b.Queue(countPendingSQL, events).QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
	return n, s.read(ctx, b)
}

// The text of jsonb stands in where an older program wrote the row.
const selectPendingSQL = `SELECT coalesce(body, convert_to(payload::text, 'UTF8')), received_at, retried_at FROM pending_events WHERE event_id = $1`

// Pending is the event as it was received; found is false if it neither waits nor needs a person.
func (s *Store) Pending(ctx context.Context, eventID string) (e inorder.Event, found bool, err error) {
	var body []byte
	var receivedAt time.Time
	var retriedAt *time.Time
	b := &pgx.Batch{}
	b.Queue(selectPendingSQL, eventID).QueryRow(optional(func(row pgx.Row) error {
		err := row.Scan(&body, &receivedAt, &retriedAt)
		found = err == nil
		return err
	}))
	if err := s.read(ctx, b); err != nil {
		return inorder.Event{}, false, fmt.Errorf("read the waiting event %s: %w", eventID, err)
	}
	if e, err = inorder.ParseEvent(body); err != nil {
		e = inorder.Event{Body: body} // that is why it is in attention; its workflow says so again
	}
	e.ID, e.ReceivedAt, e.RetriedAt = eventID, receivedAt.UTC(), timeOf(retriedAt).UTC()
	return e, found, nil
}
