package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const selectRecentSQL = `
SELECT event_id, type FROM webhook_events WHERE processed_at > now() - interval '60 seconds'
UNION
SELECT event_id, type FROM pending_events WHERE received_at > now() - interval '60 seconds'`

// Recent returns the IDs of the events that came to rest in the last minute, with their types.
func (s *Store) Recent(ctx context.Context) (map[string]string, error) {
	types := map[string]string{}
	b := &pgx.Batch{}
	b.Queue(selectRecentSQL).Query(EachRow(func(row pgx.Row) error {
		var id, eventType string
		err := row.Scan(&id, &eventType)
		types[id] = eventType
		return err
	}))
	return types, s.read(ctx, b)
}
