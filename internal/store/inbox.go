package store

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// InboxEvent is a row of event_inbox.
type InboxEvent struct {
	inorder.Event
	After time.Duration // how long it is left alone after the write, by PostgreSQL's clock, which also decides what is due
}

// An event that the database already knows is not written, and is a duplicate. The exception is a row of this very
// delivery, with the same received_at: its workflow was started meanwhile.
const putInboxSQL = `
WITH given AS (
	SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[], $5::bigint[])
		WITH ORDINALITY AS g (event_id, order_id, body, received_at, after, place)
), known AS (
	SELECT event_id, received_at FROM webhook_events WHERE event_id = ANY ($1)
	UNION ALL SELECT event_id, received_at FROM pending_events WHERE event_id = ANY ($1)
), written AS (
	INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before)
	SELECT event_id, nullif(order_id, ''), body, received_at, now() + after * interval '1 microsecond' FROM given WHERE event_id NOT IN (SELECT event_id FROM known)
	ON CONFLICT (event_id) DO NOTHING RETURNING event_id, received_at
)
SELECT NOT EXISTS (
	SELECT FROM (TABLE written UNION ALL TABLE known) AS r WHERE r.event_id = g.event_id AND r.received_at = g.received_at
) FROM given g ORDER BY place`

// PutInbox writes events into the inbox, in one statement and one round trip. It reports for each event whether it is
// a duplicate: already in the inbox or in another table. If there is no error, all are durable. After an error the
// result is unknown, and PutInbox may be called again.
//
// It takes no order's lock, and waits for nothing but another write of the same event ID.
func (s *Store) PutInbox(ctx context.Context, events []InboxEvent) (duplicates []bool, err error) {
	n := len(events)
	ids, orders, bodies := make([]string, n), make([]string, n), make([][]byte, n)
	received, after := make([]time.Time, n), make([]int64, n)
	for i, e := range events {
		ids[i], orders[i], bodies[i] = e.ID, indexable(e.OrderID()), e.Body
		received[i], after[i] = e.ReceivedAt, e.After.Microseconds()
	}
	err = s.alone(ctx, putInboxSQL, []any{ids, orders, bodies, received, after}, func(rows pgx.Rows) error {
		duplicates, err = pgx.CollectRows(rows, pgx.RowTo[bool])
		return err
	})
	return duplicates, err
}

// indexable returns the order's ID, or "" if PostgreSQL does not accept it as text. Such an event needs a person, and
// is no less safe without the ID.
func indexable(orderID string) string {
	if !utf8.ValidString(orderID) || strings.ContainsRune(orderID, 0) {
		return ""
	}
	return orderID
}
