package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// PendingRow is a waiting event or one in attention, without its body.
type PendingRow struct {
	EventID    string
	WorkflowID string // the event's own, or that of its replay
	ReceivedAt time.Time
	SeenAt     time.Time // when its workflow last applied it, by PostgreSQL's clock
}

// The first two walk an index, so that a page costs the same however many events wait. The third looks at the order
// of every waiting event.
const (
	selectUnseenSQL = `SELECT event_id, coalesce(workflow_id, event_id) AS workflow_id, received_at, seen_at FROM pending_events
WHERE seen_at < now() - make_interval(secs => $1) AND (seen_at, event_id) > ($2, $3) AND phase <> 'attention'
ORDER BY seen_at, event_id LIMIT $4`

	selectAttentionSQL = `SELECT event_id, coalesce(workflow_id, event_id) AS workflow_id, received_at, seen_at FROM pending_events
WHERE phase = 'attention' AND event_id > $1 ORDER BY event_id LIMIT $2`

	selectReleasableSQL = `SELECT DISTINCT p.order_id FROM pending_events p JOIN orders o ON o.id = p.order_id
WHERE p.phase <> 'attention' AND o.created_at < now() - make_interval(secs => $1) AND p.order_id > $2 ORDER BY p.order_id LIMIT $3`
)

// Unseen returns a page of the waiting events that no workflow has tried to apply for unseenFor, from the one after the
// given row on; the zero row is before all.
func (s *Store) Unseen(ctx context.Context, unseenFor time.Duration, after PendingRow, limit int) ([]PendingRow, error) {
	return list(ctx, s, pgx.RowToStructByName[PendingRow], selectUnseenSQL, unseenFor.Seconds(), after.SeenAt, after.EventID, limit)
}

// InAttention returns a page of the events that need a person, from the one after the given row on.
func (s *Store) InAttention(ctx context.Context, after PendingRow, limit int) ([]PendingRow, error) {
	return list(ctx, s, pgx.RowToStructByName[PendingRow], selectAttentionSQL, after.EventID, limit)
}

// Releasable returns a page of the IDs of orders that were created at least createdFor ago and for which events still
// wait, in order, from the one after the given ID on.
func (s *Store) Releasable(ctx context.Context, createdFor time.Duration, after string, limit int) ([]string, error) {
	return list(ctx, s, pgx.RowTo[string], selectReleasableSQL, createdFor.Seconds(), after, limit)
}

const selectRecordedSQL = `
SELECT event_id, coalesce(workflow_id, event_id) FROM pending_events WHERE event_id = ANY($1)
UNION ALL SELECT event_id, '' FROM webhook_events WHERE event_id = ANY($1)`

// Recorded returns those of the events that wait, need a person or have ended, as far as PostgreSQL knows, each with
// its workflow; "" if it has ended.
func (s *Store) Recorded(ctx context.Context, events []string) (map[string]string, error) {
	workflows, b := map[string]string{}, &pgx.Batch{}
	b.Queue(selectRecordedSQL, events).Query(EachRow(func(row pgx.Row) error {
		var event, workflow string
		err := row.Scan(&event, &workflow)
		workflows[event] = workflow
		return err
	}))
	return workflows, s.read(ctx, b)
}
