package store

import (
	"slices"

	"github.com/jackc/pgx/v5"
)

// The lock of an order serialises its events, and makes "the order is missing, so I wait" and "I create the order, who waits?"
// exclude each other. It is a lock on the ID because there may be no row yet, and scoped to the transaction because
// session locks break under a transaction pooler.
const (
	// It waits for each lock as long as lock_timeout allows. The names are sorted, so that two who want the same locks ask for
	// them in the same order, and don't wait for each other.
	lockSQL = `SELECT pg_advisory_xact_lock(hashtextextended(unnest($1::text[]), 0))`

	// It takes the locks ($1) that nobody has, and then, of what the events under these locks would write ($2 to $4: the lock's
	// name beside a row), the rows that nobody has: somebody else, such as a person in psql, locks rows and knows no names. It
	// answers the names under which all of it was to be had. A row that is there and could not be locked is somebody's. NO KEY,
	// because that is what an UPDATE takes, and a part's foreign key does not wait for it. The planner does not know the LIMIT,
	// takes few rows for granted, and so looks them up by their keys.
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

// OrderLock is the name of an order's lock, of which hashtextextended(name, 0) is the key of an advisory lock.
func OrderLock(orderID string) string { return "order " + orderID }

// queueTryLocks leaves in t.locks those that were granted.
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
