package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// BulkPlace is an event of a bulk; the first place is 1.
type BulkPlace struct {
	Place   int
	EventID string
}

// BulkEnd is what a bulk did to the event at a place.
type BulkEnd struct {
	Place   int
	EventID string
	DoneAt  time.Time
	Failed  bool
	Result  string // what was done, or why it could not be
	// Needless reports that nothing had to be done. An act that was done is in the audit already, or will be.
	Needless bool `db:"-"`
}

const (
	selectOpenPlacesSQL = `
SELECT e.place, e.event_id FROM bulk_events e
WHERE e.bulk_id = $1 AND e.done_at IS NULL AND e.place > $2 AND NOT EXISTS (SELECT FROM bulks WHERE id = $1 AND ended_at IS NOT NULL)
ORDER BY e.place LIMIT $3`

	selectLeftEventsSQL = `SELECT event_id FROM bulk_events WHERE bulk_id = $1 AND done_at IS NULL ORDER BY place LIMIT $2`

	// A place that is already marked stays as it is. What was done is in the audit; what failed or was needless is added to it here.
	markPlacesSQL = `
WITH marked AS (
	UPDATE bulk_events e SET done_at = m.at, failed = m.failed, result = m.result
	FROM unnest($2::integer[], $3::timestamptz[], $4::boolean[], $5::text[]) AS m (place, at, failed, result)
	WHERE e.bulk_id = $1 AND e.place = m.place AND e.done_at IS NULL
	RETURNING e.place, e.event_id, e.failed, e.result
)
INSERT INTO audit_log (actor, action, event_id, bulk_id, via, reason, result, act_id)
SELECT $6, $7, event_id, $1, 'api', $8, CASE WHEN failed THEN 'failed: ' ELSE '' END || result, $1 || '/' || place FROM marked
WHERE failed OR place = ANY($9) ORDER BY place
ON CONFLICT (act_id) DO NOTHING`

	selectBulkEndsSQL = `
SELECT place, event_id, done_at, failed, result FROM bulk_events
WHERE bulk_id = $1 AND place > $2 AND done_at IS NOT NULL AND (failed OR NOT $3) ORDER BY place LIMIT $4`

	finishBulkSQL = `
UPDATE bulks SET ended_at = now(), ending = 'done'
WHERE id = $1 AND ended_at IS NULL AND NOT EXISTS (SELECT FROM bulk_events WHERE bulk_id = $1 AND done_at IS NULL)`

	stopBulkSQL = `UPDATE bulks SET ended_at = now(), ending = 'stopped' WHERE id = $1 AND ended_at IS NULL`

	// A bulk that has not ended was forgotten by whoever terminated its workflow.
	oldBulk = `(ended_at < $1 OR ended_at IS NULL AND created_at < $1 - interval '30 days')`

	purgeBulkEventsSQL = `
WITH old AS (SELECT id, (SELECT min(place) FROM bulk_events WHERE bulk_id = id) AS first FROM bulks WHERE ` + oldBulk + `)
DELETE FROM bulk_events e USING (SELECT * FROM old WHERE first IS NOT NULL LIMIT 1) AS o WHERE e.bulk_id = o.id AND e.place < o.first + 10000`

	purgeBulksSQL = `DELETE FROM bulks b WHERE ` + oldBulk + ` AND NOT EXISTS (SELECT FROM bulk_events WHERE bulk_id = b.id)`
)

// OpenPlaces returns the events of a bulk after a place that are not done, in order; none if the bulk has ended.
func (s *Store) OpenPlaces(ctx context.Context, id string, after, limit int) ([]BulkPlace, error) {
	return list(ctx, s, pgx.RowToStructByName[BulkPlace], selectOpenPlacesSQL, id, after, limit)
}

// LeftEvents returns the events of a bulk that are not done, in order, even if the bulk was stopped.
func (s *Store) LeftEvents(ctx context.Context, id string, limit int) ([]string, error) {
	return list(ctx, s, pgx.RowTo[string], selectLeftEventsSQL, id, limit)
}

// MarkPlaces stores the results of events, and adds to the audit those that failed or were needless. It may run twice.
func (s *Store) MarkPlaces(ctx context.Context, b Bulk, ends []BulkEnd) error {
	places := column(ends, func(e *BulkEnd) int32 { return int32(e.Place) })
	times := column(ends, func(e *BulkEnd) time.Time { return e.DoneAt })
	failed := column(ends, func(e *BulkEnd) bool { return e.Failed })
	results := column(ends, func(e *BulkEnd) string { return e.Result })
	var needless []int32
	for _, e := range ends {
		if e.Needless {
			needless = append(needless, int32(e.Place))
		}
	}
	return s.exec(ctx, markPlacesSQL, b.ID, places, times, failed, results, b.Actor, b.Action, b.Reason, needless)
}

// BulkEnds returns what a bulk did to its events after a place, in order; with failed, only those that failed.
func (s *Store) BulkEnds(ctx context.Context, id string, after int, failed bool, limit int) ([]BulkEnd, error) {
	return list(ctx, s, pgx.RowToStructByName[BulkEnd], selectBulkEndsSQL, id, after, failed, limit)
}

// FinishBulk ends a bulk whose events are all done, and returns it. It may run twice.
func (s *Store) FinishBulk(ctx context.Context, id string) (b Bulk, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, finishBulkSQL, id); err != nil {
			return err
		}
		b, _, err = selectBulk(ctx, tx, selectBulkProgressSQL, id)
		return err
	})
	if err != nil {
		err = fmt.Errorf("finish bulk %s: %w", id, err)
	}
	return b, err
}

// StopBulk ends a bulk that goes on, records the act, and returns the bulk. A bulk that has ended stays as it ended.
func (s *Store) StopBulk(ctx context.Context, id string, act Act) (b Bulk, found bool, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, stopBulkSQL, id)
		if err != nil {
			return err
		}
		if b, found, err = selectBulk(ctx, tx, selectBulkProgressSQL, id); err != nil || tag.RowsAffected() == 0 {
			return err
		}
		act.BulkID, act.Result = id, fmt.Sprintf("stopped after %d of %d", b.Done, b.Total)
		_, err = tx.Exec(ctx, insertAuditSQL, act.row()...)
		return err
	})
	if err != nil {
		err = fmt.Errorf("stop bulk %s: %w", id, err)
	}
	return b, found, err
}

// PurgeBulks deletes bulks that ended before a time, and those without an end that were created 30 days before it. It returns
// how many. more reports that it deleted events of a bulk, of which there may be more: call it again. It may run twice.
func (s *Store) PurgeBulks(ctx context.Context, before time.Time) (deleted int64, more bool, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, purgeBulkEventsSQL, before)
		if err != nil {
			return err
		}
		more = tag.RowsAffected() > 0
		tag, err = tx.Exec(ctx, purgeBulksSQL, before)
		deleted = tag.RowsAffected()
		return err
	})
	return deleted, more, err
}
