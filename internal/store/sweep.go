package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// PendingRow is a waiting event or one in attention, without its body.
type PendingRow struct {
	EventID string
	OrderID string // "" of an event in attention that names none
	Phase   inorder.Outcome
}

const (
	pendingRowColumns = `event_id, coalesce(order_id, '') AS order_id, phase`

	selectUnseenSQL = `SELECT ` + pendingRowColumns + ` FROM pending_events
WHERE seen_at < $1 AND phase <> 'attention' AND received_at > $2 AND event_id > $3 ORDER BY event_id LIMIT $4`

	selectAttentionSQL = `SELECT ` + pendingRowColumns + ` FROM pending_events
WHERE phase = 'attention' AND received_at > $1 AND event_id > $2 ORDER BY event_id LIMIT $3`

	selectReleasableSQL = `SELECT p.event_id, p.order_id, p.phase FROM pending_events p JOIN orders o ON o.id = p.order_id
WHERE p.phase <> 'attention' AND p.received_at > $1 AND p.event_id > $2 ORDER BY p.event_id LIMIT $3`
)

// Unseen are waiting events that no workflow has looked at since a time and that were received after another, in order of
// their IDs, from the one after a given ID on.
func (s *Store) Unseen(ctx context.Context, notSince, receivedAfter time.Time, afterID string, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectUnseenSQL, notSince, receivedAfter, afterID, limit)
}

// InAttention are the events that need a person, in order of their IDs.
func (s *Store) InAttention(ctx context.Context, receivedAfter time.Time, afterID string, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectAttentionSQL, receivedAfter, afterID, limit)
}

// Releasable are the events that wait for an order that is there, in order of their IDs.
func (s *Store) Releasable(ctx context.Context, receivedAfter time.Time, afterID string, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectReleasableSQL, receivedAfter, afterID, limit)
}

func (s *Store) pendingRows(ctx context.Context, sql string, args ...any) (page []PendingRow, err error) {
	b := &pgx.Batch{}
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		page, err = pgx.CollectRows(rows, pgx.RowToStructByName[PendingRow])
		return err
	})
	return page, s.read(ctx, b)
}

const selectEndsSQL = `SELECT event_id, outcome, detail FROM webhook_events WHERE event_id = ANY($1)`

// End is how an event ended.
type End struct {
	EventID string
	Outcome inorder.Outcome
	Detail  string
}

// Ends are the ends of those of the events that have ended.
func (s *Store) Ends(ctx context.Context, events []string) (ends []End, err error) {
	b := &pgx.Batch{}
	b.Queue(selectEndsSQL, events).Query(func(rows pgx.Rows) error {
		ends, err = pgx.CollectRows(rows, pgx.RowToStructByName[End])
		return err
	})
	return ends, s.read(ctx, b)
}
