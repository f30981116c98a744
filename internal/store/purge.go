package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// A purge deletes or empties rows in batches, oldest first, each in a transaction of its own. The commit does not
// wait for the disk: a purge that a crash undoes is done again, and events do not queue behind its WAL.
const beginPurgeSQL = beginSQL + `; SET LOCAL synchronous_commit = off`

// inPurge runs one batch.
func (s *Store) inPurge(ctx context.Context, f func(pgx.Tx) error) error {
	return Explain(pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{BeginQuery: beginPurgeSQL}, f))
}

// Cutoff is the time before which rows are purged: Kept before Now. Now is the caller's clock. If PostgreSQL's clock is behind
// it, that one counts, because it dated the rows, and another machine's clock that is years ahead must not purge everything.
type Cutoff struct {
	Now  time.Time
	Kept time.Duration
}

// Walk is how far a purge of webhook_events has come, in the order in which events ended; the zero Walk begins with the oldest. It keeps
// a batch from reading again what earlier batches left: index entries of deleted rows, which stay until the next vacuum, and locked rows.
type Walk struct{ reached time.Time }

func (w *Walk) from() stamp {
	if w.reached.IsZero() {
		return stamp{InfinityModifier: -1, Valid: true}
	}
	return nullTime(w.reached)
}

// An event that still has a row in another table keeps the row that says how it ended. An event that Temporal could not start for that long is still
// in the inbox, and would be applied again. Scalar subqueries, because the planner can't turn them into joins that read the whole other table.
//
// SKIP LOCKED, so that two purges at once share the work instead of waiting for each other. An array, because the planner may run a subquery of IN
// several times, and each run would lock and delete LIMIT more rows.
const purgeSQL = `
WITH gone AS (
    DELETE FROM webhook_events WHERE event_id = ANY(ARRAY(
        SELECT event_id FROM webhook_events w
        WHERE processed_at >= $1 AND processed_at < least($2::timestamptz, now()) - make_interval(secs => $3)
          AND (SELECT true FROM event_inbox i WHERE i.event_id = w.event_id) IS NULL
          AND (SELECT true FROM pending_events p WHERE p.event_id = w.event_id) IS NULL
        ORDER BY processed_at LIMIT $4 FOR UPDATE OF w SKIP LOCKED))
    RETURNING processed_at)
SELECT count(*), max(processed_at) FROM gone`

// Purge deletes at most limit rows of webhook_events whose events had ended by the cutoff, and returns how many. A
// count below limit means that the purge is done. It may run twice.
func (s *Store) Purge(ctx context.Context, w *Walk, c Cutoff, limit int) (int64, error) {
	return s.walk(ctx, purgeSQL, w, c, limit)
}

// walk runs a statement on at most limit rows from w on, moves w, and returns how many rows there were.
func (s *Store) walk(ctx context.Context, sql string, w *Walk, c Cutoff, limit int) (n int64, err error) {
	var reached stamp
	err = s.inPurge(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sql, w.from(), c.Now, c.Kept.Seconds(), limit).Scan(&n, &reached)
	})
	if err == nil && reached.Valid {
		w.reached = reached.Time
	}
	return n, err
}

// A row is dated by the beginning of its transaction, and becomes visible when that commits. So the first batch of a purge
// begins an hour before the point where the last purge ended. Each later batch begins where the one before it ended.
//
// Unlike purgeSQL, it waits for locked rows: it would never come back to a row that it skipped.
const (
	removePayloadsSQL = `
WITH less AS (
    UPDATE webhook_events SET payload = NULL, payload_removed_at = now(), store_id = ` + storeOf + `
    WHERE event_id = ANY(ARRAY(
        SELECT event_id FROM webhook_events
        WHERE processed_at >= $1 AND processed_at < least($2::timestamptz, now()) - make_interval(secs => $3) AND payload_removed_at IS NULL
        ORDER BY processed_at LIMIT $4 FOR NO KEY UPDATE))
    RETURNING processed_at),
reached AS (
    INSERT INTO purge_progress AS p (name, reached) SELECT 'payloads', max(processed_at) FROM less HAVING count(*) > 0
    ON CONFLICT (name) DO UPDATE SET reached = greatest(p.reached, excluded.reached))
SELECT count(*), max(processed_at) FROM less`

	selectProgressSQL = `SELECT reached - interval '1 hour' FROM purge_progress WHERE name = 'payloads'`
)

// PayloadsRemoved returns where RemovePayloads goes on: an hour before where it last stopped, in this process or another.
func (s *Store) PayloadsRemoved(ctx context.Context) (w Walk, err error) {
	_, err = s.scanOne(ctx, selectProgressSQL, nil, &w.reached)
	return w, err
}

// RemovePayloads removes the payloads of at most limit events that had ended by the cutoff, and returns how many. A count below
// limit means that the purge is done. The rest of each row stays, so that the event has no second effect. It may run twice.
func (s *Store) RemovePayloads(ctx context.Context, w *Walk, c Cutoff, limit int) (int64, error) {
	return s.walk(ctx, removePayloadsSQL, w, c, limit)
}

// See purgeSQL.
const purgeRefusedSQL = `
DELETE FROM refused_deliveries WHERE id = ANY(ARRAY(
    SELECT id FROM refused_deliveries WHERE at < least($1::timestamptz, now()) - make_interval(secs => $2)
    ORDER BY at, id LIMIT $3 FOR UPDATE SKIP LOCKED))`

// PurgeRefused deletes at most limit refused deliveries that came before the cutoff, and returns how many. It may run twice.
func (s *Store) PurgeRefused(ctx context.Context, c Cutoff, limit int) (deleted int64, err error) {
	err = s.inPurge(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, purgeRefusedSQL, c.Now, c.Kept.Seconds(), limit)
		deleted = tag.RowsAffected()
		return err
	})
	return deleted, err
}

// The database itself says how long the audit is kept: see migration 0012.
const purgeAuditSQL = `SELECT purge_audit($1)`

// PurgeAudit deletes at most limit rows of the audit that are older than the database keeps them, and returns how many. It may run twice.
func (s *Store) PurgeAudit(ctx context.Context, limit int) (deleted int64, err error) {
	err = s.inPurge(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, purgeAuditSQL, limit).Scan(&deleted) })
	return deleted, err
}
