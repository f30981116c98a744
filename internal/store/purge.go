package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SKIP LOCKED, so that two purges at once share the work instead of waiting for each other. An array, because the
// planner may run a subquery of IN several times, and each run would lock and delete LIMIT rows more.
const purgeSQL = `
DELETE FROM webhook_events WHERE event_id = ANY(ARRAY(
    SELECT event_id FROM webhook_events WHERE processed_at < $1
    ORDER BY processed_at LIMIT $2 FOR UPDATE SKIP LOCKED))`

// Purge deletes at most limit rows of webhook_events that were processed before a time, in one transaction, and returns
// how many it deleted.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (deleted int64, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, purgeSQL, before, limit)
		deleted = tag.RowsAffected()
		return err
	})
	return deleted, err
}
