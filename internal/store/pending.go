package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inorder"
)

// The row says what this event says, even if an event of the same ID said something else before. seen_at is now() whenever the
// event's workflow applies it; that is how the sweep knows that there is a workflow. An unchanged body is not written again: it
// may be a megabyte, and each write would go to the table and the WAL. The query counts at most 10,000 other events that wait.
const upsertPendingSQL = `
INSERT INTO pending_events AS p (event_id, order_id, type, payload, body, occurred_at, received_at, retried_at, phase, detail, workflow_id)
VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, ''))
ON CONFLICT (event_id) DO UPDATE
SET order_id = excluded.order_id, type = excluded.type, occurred_at = excluded.occurred_at, received_at = excluded.received_at,
    payload = CASE WHEN p.body = excluded.body THEN p.payload ELSE excluded.payload END,
    body = CASE WHEN p.body = excluded.body THEN p.body ELSE excluded.body END,
    retried_at = excluded.retried_at, phase = excluded.phase, detail = excluded.detail, workflow_id = excluded.workflow_id, seen_at = now()
RETURNING (SELECT count(*) FROM
    (SELECT 1 FROM pending_events o WHERE o.order_id = p.order_id AND o.phase <> 'attention' AND o.event_id <> p.event_id LIMIT 10000) AS others)`

// queueParked writes the rows of events that wait or need a person. The event that creates an order looks for the
// rows of those that wait for it.
func (t *transaction) queueParked(b *pgx.Batch) {
	slices.SortFunc(t.parked, byID)
	for _, e := range t.parked {
		order, at, detail := e.Change.OrderID, e.OccurredAt, e.Detail
		if e.bare {
			order, at = "", time.Time{}
		}
		if e.Outcome != inorder.Attention { // all that wait do so for the same reason
			detail = ""
		}
		b.Queue(upsertPendingSQL, e.ID, order, e.Type, e.payload(), []byte(e.Body), nullTime(at), e.ReceivedAt, nullTime(e.RetriedAt), e.Outcome, detail, e.WorkflowID).
			QueryRow(func(row pgx.Row) error { return row.Scan(&e.Waiters) })
	}
}

// Waiter is a waiting event without its body. It is the cursor of Waiters. Its times are microseconds since 1970,
// because a time.Time after the year 9999 has no JSON form.
type Waiter struct {
	EventID    string `json:"event_id"`
	OccurredAt int64  `json:"occurred_us"`
	ReceivedAt int64  `json:"received_us"`
	WorkflowID string `json:"workflow_id,omitempty"` // the event's own, or that of its replay
}

const selectWaitersSQL = `
SELECT event_id, occurred_at, received_at, coalesce(workflow_id, event_id) FROM pending_events
WHERE order_id = $1 AND phase <> 'attention' AND (occurred_at, received_at, event_id) > ($2, $3, $4)
ORDER BY occurred_at, received_at, event_id LIMIT $5`

// Waiters returns a page of the events that wait for an order, oldest first, from the one after the given one on. The
// zero Waiter is before all.
func (s *Store) Waiters(ctx context.Context, orderID string, after Waiter, limit int) ([]Waiter, error) {
	occurred, received := instant(after.OccurredAt), instant(after.ReceivedAt)
	if after == (Waiter{}) {
		occurred = stamp{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	return list(ctx, s, func(row pgx.CollectableRow) (w Waiter, err error) {
		var occurred, received time.Time
		err = row.Scan(&w.EventID, &occurred, &received, &w.WorkflowID)
		w.OccurredAt, w.ReceivedAt = occurred.UnixMicro(), received.UnixMicro()
		return w, err
	}, selectWaitersSQL, orderID, occurred, received, after.EventID, limit)
}

func instant(us int64) stamp { return stamp{Time: time.UnixMicro(us), Valid: true} }

const countPendingSQL = `SELECT count(*) FROM pending_events WHERE event_id = ANY($1) AND phase <> 'attention'`

// CountWaiting returns how many of these events still wait.
func (s *Store) CountWaiting(ctx context.Context, events []string) (n int, err error) {
	_, err = s.scanOne(ctx, countPendingSQL, []any{events}, &n)
	return n, err
}

// Rows of older versions have no body; the text of their jsonb stands in for it.
const selectPendingSQL = `
SELECT coalesce(body, convert_to(payload::text, 'UTF8')), received_at, retried_at, coalesce(workflow_id, event_id), amended_at IS NOT NULL FROM pending_events WHERE event_id = $1`

// PendingEvent is an event that waits or needs a person.
type PendingEvent struct {
	inorder.Event
	WorkflowID string // the event's own, or that of its replay
	Amended    bool   // a person has corrected its body; its workflow may have the old one
}

// Pending returns the event as it was received, or as a person corrected it; found is false if it neither waits nor needs a person.
func (s *Store) Pending(ctx context.Context, eventID string) (e PendingEvent, found bool, err error) {
	var body []byte
	var receivedAt, retriedAt stamp
	if found, err = s.scanOne(ctx, selectPendingSQL, []any{eventID}, &body, &receivedAt, &retriedAt, &e.WorkflowID, &e.Amended); err != nil {
		return PendingEvent{}, false, fmt.Errorf("read the waiting event %s: %w", eventID, err)
	}
	e.Event = parsed(eventID, body, receivedAt, retriedAt)
	return e, found, nil
}

// parsed returns an event from its row. If the body is not an event, it returns the body alone: that is why the event
// needs a person, and its workflow says so again.
func parsed(eventID string, body []byte, receivedAt, retriedAt stamp) inorder.Event {
	e, err := inorder.ParseEvent(body)
	if err != nil {
		e = inorder.Event{Body: body}
	}
	e.ID, e.ReceivedAt, e.RetriedAt = eventID, receivedAt.Time.UTC(), retriedAt.Time.UTC()
	return e
}
