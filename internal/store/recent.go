package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const selectRecentSQL = `
SELECT event_id, type FROM webhook_events WHERE processed_at > now() - interval '60 seconds'
UNION
SELECT event_id, type FROM pending_events WHERE received_at > now() - interval '60 seconds'`

// Recent returns the types, by ID, of the events that ended in the last minute, or were received in it and wait or need a person.
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
