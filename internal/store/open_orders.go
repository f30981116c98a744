package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Without an index: it would add to the cost of every change of a status, and this runs once per reconciliation.
const selectOpenSQL = `SELECT id FROM orders WHERE status = ANY($1) AND created_at < $2`

// OpenOrders returns the IDs of the orders that have one of the statuses and whose rows were made before a time.
func (s *Store) OpenOrders(ctx context.Context, statuses []string, before time.Time) (map[string]bool, error) {
	var ids []string
	b := &pgx.Batch{}
	b.Queue(`SET LOCAL enable_seqscan = on`)
	b.Queue(selectOpenSQL, statuses, before).Query(func(rows pgx.Rows) (err error) {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err := s.read(ctx, b); err != nil {
		return nil, fmt.Errorf("read the open orders: %w", err)
	}
	return set(ids), nil
}
