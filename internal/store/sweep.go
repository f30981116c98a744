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
	SeenAt  time.Time // when its workflow last looked, by PostgreSQL's clock
}

// Each is walked in the order of an index, so that a page costs the same however many events wait.
const (
	selectUnseenSQL = `SELECT event_id, seen_at FROM pending_events
WHERE seen_at < now() - make_interval(secs => $1) AND (seen_at, event_id) > ($2, $3) AND phase <> 'attention' AND received_at > $4
ORDER BY seen_at, event_id LIMIT $5`

	selectAttentionSQL = `SELECT event_id, seen_at FROM pending_events
WHERE phase = 'attention' AND event_id > $1 AND received_at > $2 ORDER BY event_id LIMIT $3`

	selectReleasableSQL = `SELECT p.event_id, p.seen_at FROM pending_events p JOIN orders o ON o.id = p.order_id
WHERE p.phase <> 'attention' AND p.event_id > $1 AND p.received_at > $2 ORDER BY p.event_id LIMIT $3`
)

// Unseen are the waiting events that no workflow has looked at for a time, and that were received after another, from the
// one after a given row on; the zero row is before all.
func (s *Store) Unseen(ctx context.Context, unseenFor time.Duration, after PendingRow, receivedAfter time.Time, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectUnseenSQL, unseenFor.Seconds(), after.SeenAt, after.EventID, receivedAfter, limit)
}

// InAttention are the events that need a person.
func (s *Store) InAttention(ctx context.Context, after PendingRow, receivedAfter time.Time, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectAttentionSQL, after.EventID, receivedAfter, limit)
}

// Releasable are the events that wait for an order that is there.
func (s *Store) Releasable(ctx context.Context, after PendingRow, receivedAfter time.Time, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectReleasableSQL, after.EventID, receivedAfter, limit)
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

const selectBodyHashSQL = `
SELECT body_hash FROM webhook_events WHERE event_id = $1 AND body_hash IS NOT NULL
UNION ALL
SELECT sha256(body) FROM pending_events WHERE event_id = $1 AND body IS NOT NULL
LIMIT 1`

// BodyHash is the SHA-256 of an event's body as it was first received; found is false of an event that has no row, or one
// of older programs.
func (s *Store) BodyHash(ctx context.Context, eventID string) (hash []byte, found bool, err error) {
	b := &pgx.Batch{}
	b.Queue(selectBodyHashSQL, eventID).QueryRow(optional(func(row pgx.Row) error {
		err := row.Scan(&hash)
		found = err == nil
		return err
	}))
	return hash, found, s.read(ctx, b)
}
