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
	After time.Duration // how long it is left alone, from the write on and by PostgreSQL's clock, which also decides what is due
}

// The row of an event that the database knows already is not written, and the event is a duplicate, unless the row that is
// there is this very delivery's: its workflow was started meanwhile.
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

// PutInbox writes events into the inbox, in one statement and one round trip, and reports of each whether it is a
// duplicate: in the inbox already, or known to one of the other tables. All are durable when it returns no error. After an error nobody
// knows, and it may be called again.
//
// It reads no locks and takes none that wait for anything but another write of the same event ID.
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

// indexable is the order's ID, or "" for one that PostgreSQL does not take as text. Its event needs a person, and is no
// less safe without it.
func indexable(orderID string) string {
	if !utf8.ValidString(orderID) || strings.ContainsRune(orderID, 0) {
		return ""
	}
	return orderID
}
