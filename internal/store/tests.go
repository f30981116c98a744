package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// TestMark begins the detail of an event that was delivered as a test, about an order that does not exist.
const TestMark = "a test delivery"

// Tested is what is known of an event that may be a test.
type Tested struct {
	OrderID string // "" if it is about none
	Waits   bool   // it has not ended
	Marked  bool   // see TestMark
}

const (
	selectTestedSQL = `
SELECT coalesce(order_id, ''), false, starts_with(detail, $2) FROM webhook_events WHERE event_id = $1
UNION ALL
SELECT coalesce(order_id, ''), true, false FROM pending_events WHERE event_id = $1
LIMIT 1`

	markTestSQL = `
UPDATE webhook_events SET detail = left(concat_ws('; ', $2::text, nullif(detail, '')), 500)
WHERE event_id = $1 AND NOT starts_with(detail, $2)`

	countOthersSQL = `
SELECT (SELECT count(*) FROM webhook_events WHERE order_id = $1 AND outcome = 'applied' AND NOT starts_with(detail, $2))
     + (SELECT count(*) FROM pending_events WHERE order_id = $1)`

	deleteOrderSQL = `DELETE FROM orders WHERE id = $1` // and its parts

	noteRemovedSQL = `
UPDATE webhook_events SET detail = left($2 || ', whose order was removed' || substr(detail, length($2) + 1), 500)
WHERE order_id = $1 AND starts_with(detail, $2) AND NOT starts_with(detail, $2 || ', whose')`
)

// Tested returns what is known of an event; found is false if it neither ended nor waits.
func (s *Store) Tested(ctx context.Context, eventID string) (t Tested, found bool, err error) {
	found, err = s.scanOne(ctx, selectTestedSQL, []any{eventID, TestMark}, &t.OrderID, &t.Waits, &t.Marked)
	return t, found, err
}

// MarkTest marks an event that has ended. It may run twice.
func (s *Store) MarkTest(ctx context.Context, eventID string) error {
	return s.inTransaction(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, markTestSQL, eventID, TestMark)
		return err
	})
}

// ErrNotATest says that an order is not removed, because other events than tests are about it.
var ErrNotATest = errors.New("it also has events that are not tests")

// RemoveTestOrder deletes an order that only marked events have made, with its parts; else it returns ErrNotATest. The
// events' rows stay, so that nothing is applied a second time. If there is no such order, removed is false and err is nil.
func (s *Store) RemoveTestOrder(ctx context.Context, orderID string) (removed bool, err error) {
	err = s.inLine(ctx, orderID, func(tx pgx.Tx) error {
		removed, err = removeTestOrder(ctx, tx, orderID)
		return err
	})
	return removed, err
}

func removeTestOrder(ctx context.Context, tx pgx.Tx, orderID string) (removed bool, err error) {
	others := 0
	b := &pgx.Batch{}
	b.Queue(lockSQL, []string{OrderLock(orderID)})
	b.Queue(countOthersSQL, orderID, TestMark).QueryRow(func(row pgx.Row) error { return row.Scan(&others) })
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return false, err
	}
	if others > 0 {
		return false, fmt.Errorf("order %s is not removed: %w (%d)", orderID, ErrNotATest, others)
	}
	tag, err := tx.Exec(ctx, deleteOrderSQL, orderID)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, noteRemovedSQL, orderID, TestMark)
	return tag.RowsAffected() > 0, err
}
