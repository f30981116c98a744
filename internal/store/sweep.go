package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// PendingRow is a waiting event or one in attention, without its body.
type PendingRow struct {
	EventID    string
	ReceivedAt time.Time
	SeenAt     time.Time // when its workflow last looked, by PostgreSQL's clock
}

// The first two are walked in the order of an index, so that a page costs the same however many events wait. The third looks
// at the order of every event that waits.
const (
	selectUnseenSQL = `SELECT event_id, received_at, seen_at FROM pending_events
WHERE seen_at < now() - make_interval(secs => $1) AND (seen_at, event_id) > ($2, $3) AND phase <> 'attention'
ORDER BY seen_at, event_id LIMIT $4`

	selectAttentionSQL = `SELECT event_id, received_at, seen_at FROM pending_events
WHERE phase = 'attention' AND event_id > $1 ORDER BY event_id LIMIT $2`

	selectReleasableSQL = `SELECT DISTINCT p.order_id FROM pending_events p JOIN orders o ON o.id = p.order_id
WHERE p.phase <> 'attention' AND o.created_at < now() - make_interval(secs => $1) AND p.order_id > $2 ORDER BY p.order_id LIMIT $3`
)

// Unseen are the waiting events that no workflow has looked at for a time, from the one after a given row on; the zero row
// is before all.
func (s *Store) Unseen(ctx context.Context, unseenFor time.Duration, after PendingRow, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectUnseenSQL, unseenFor.Seconds(), after.SeenAt, after.EventID, limit)
}

// InAttention are the events that need a person.
func (s *Store) InAttention(ctx context.Context, after PendingRow, limit int) ([]PendingRow, error) {
	return s.pendingRows(ctx, selectAttentionSQL, after.EventID, limit)
}

// Releasable are the orders that were created that long ago or earlier, and for which events wait all the same, in order of
// their IDs.
func (s *Store) Releasable(ctx context.Context, createdFor time.Duration, after string, limit int) (orders []string, err error) {
	b := &pgx.Batch{}
	b.Queue(selectReleasableSQL, createdFor.Seconds(), after, limit).Query(func(rows pgx.Rows) error {
		orders, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return orders, s.read(ctx, b)
}

const selectRecordedSQL = `
SELECT event_id FROM pending_events WHERE event_id = ANY($1) UNION SELECT event_id FROM webhook_events WHERE event_id = ANY($1)`

// Recorded are those of the events that wait, need a person or have ended, as far as PostgreSQL knows.
func (s *Store) Recorded(ctx context.Context, events []string) (map[string]bool, error) {
	recorded := map[string]bool{}
	b := &pgx.Batch{}
	b.Queue(selectRecordedSQL, events).Query(eachRow(func(row pgx.Row) error {
		var id string
		err := row.Scan(&id)
		recorded[id] = true
		return err
	}))
	return recorded, s.read(ctx, b)
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
