// Package view reads what operators ask of PostgreSQL: lists, single events and orders, counts, locks and the audit. It writes
// nothing, and knows nothing of Temporal; internal/inspect merges both.
//
// Each method is one read-only transaction on one snapshot, so that what it returns is of one moment. Lists are sorted by time
// and ID, newest first. A page goes on exactly where the one before it ended, even if rows are added or many have the same
// time. A list looks at a bounded number of rows; if its filter finds few of them, it may return a short page with a cursor.
package view

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder/internal/store"
)

// DB is a *pgxpool.Pool, or a test's substitute.
type DB interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// View reads one database, which must have the newest schema. Its methods may be called concurrently.
type View struct{ db DB }

// New returns a view of a database.
func New(db DB) *View { return &View{db} }

// Operators ask seldom, with filters that find one row or a million, so each statement is planned with its values. Queries of growing tables follow
// the order of an index, and stop early. The planner does not expect that: it would rather read and sort whole tables, or start parallel workers,
// which takes longer than everything else. statement_timeout is for an overloaded server, lock_timeout for somebody who locks a whole table.
const beginSQL = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off; ` +
	`SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0; ` +
	`SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '1s'`

// read runs f in a read-only transaction, on one snapshot.
func (v *View) read(ctx context.Context, f func(pgx.Tx) error) error {
	return store.Explain(pgx.BeginTxFunc(ctx, v.db, pgx.TxOptions{BeginQuery: beginSQL}, f))
}

// batch runs a batch in one read-only transaction.
func (v *View) batch(ctx context.Context, b *pgx.Batch) error {
	return v.read(ctx, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
}

// utc returns a time in UTC; nil stands for NULL.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
