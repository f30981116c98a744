package store

import (
	"slices"

	"github.com/jackc/pgx/v5"
)

// The lock of an order serialises its events: "the order is missing, so I wait" and "I create the order, who waits?"
// exclude each other. It is a lock on the ID, because there may be no row yet, and scoped to the transaction, because
// session locks break under a transaction pooler.
const (
	// It waits for each lock as long as lock_timeout allows. The names are sorted, so that transactions that want the
	// same locks take them in the same order, and don't deadlock.
	lockSQL = `SELECT pg_advisory_xact_lock(hashtextextended(unnest($1::text[]), 0))`

	// It takes the locks ($1) that nobody holds. Then it locks the rows that the events under these locks would write
	// ($2 to $4: the name of the lock, and kind and ID of the row), because others, such as a person in psql, lock rows
	// and know no names. It returns the names under which it could lock everything; a row that exists and could not be
	// locked is held by somebody. NO KEY, because that is what an UPDATE takes, and a part's foreign key does not wait
	// for it. The planner does not know the value of the LIMIT, so it expects few rows and looks them up by their keys.
	tryLockSQL = `
WITH granted AS MATERIALIZED (
    SELECT name FROM unnest($1::text[]) AS name WHERE pg_try_advisory_xact_lock(hashtextextended(name, 0))
), wanted AS MATERIALIZED (
    SELECT name, kind, id FROM granted JOIN (SELECT unnest($2::text[]) AS name, unnest($3::text[]) AS kind, unnest($4::text[]) AS id LIMIT cardinality($2)) AS rows USING (name)
), my_orders AS MATERIALIZED (
    SELECT id FROM orders WHERE id IN (SELECT id FROM wanted WHERE kind = 'order') FOR NO KEY UPDATE SKIP LOCKED
), my_parts AS MATERIALIZED (
    SELECT kind, id FROM order_parts WHERE (kind, id) IN (SELECT kind, id FROM wanted) FOR NO KEY UPDATE SKIP LOCKED
), my_waiting AS MATERIALIZED (
    SELECT event_id FROM pending_events WHERE event_id IN (SELECT id FROM wanted WHERE kind = 'event') FOR UPDATE SKIP LOCKED
)
SELECT name FROM granted
EXCEPT SELECT name FROM wanted JOIN orders USING (id) WHERE wanted.kind = 'order' AND id NOT IN (SELECT id FROM my_orders)
EXCEPT SELECT name FROM wanted JOIN order_parts USING (kind, id) WHERE (kind, id) NOT IN (SELECT kind, id FROM my_parts)
EXCEPT SELECT name FROM wanted JOIN pending_events ON event_id = id WHERE kind = 'event' AND event_id NOT IN (SELECT event_id FROM my_waiting)`
)

// OrderLock returns the name of an order's lock. The key of the advisory lock is hashtextextended(name, 0).
func OrderLock(orderID string) string { return "order " + orderID }

// queueTryLocks leaves in t.locks only the locks that were granted.
func (t *transaction) queueTryLocks(b *pgx.Batch) {
	var names, kinds, ids []string
	row := func(e *Event, kind, id string) {
		names, kinds, ids = append(names, e.lockName()), append(kinds, kind), append(ids, id)
	}
	for i := range t.entries {
		e := &t.entries[i].Event
		row(e, "event", e.ID)
		if e.Change.OrderID != "" {
			row(e, "order", e.Change.OrderID)
		}
		for _, p := range e.Change.Parts {
			row(e, p.Kind, p.ID)
		}
	}
	b.Queue(tryLockSQL, t.locks, names, kinds, ids).Query(func(rows pgx.Rows) (err error) {
		t.locks, err = pgx.CollectRows(rows, pgx.RowTo[string])
		slices.Sort(t.locks)
		return err
	})
}
