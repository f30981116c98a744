// Package store holds the SQL about events, orders, parts and waiting events. It decides nothing: the domain says
// what an event means for its order, and the caller whether a failure is tried again.
package store

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// DB is a *pgxpool.Pool, or a test's substitute.
type DB interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Store reads and writes the tables of one database. Its methods may be called concurrently.
type Store struct {
	db   DB
	gate gate
}

// New returns a store on a database, which must have the newest schema.
func New(db DB) *Store { return &Store{db: db} }

// READ COMMITTED is explicit, whatever the server's default, because every read must see what was committed before the lock was granted.
// lock_timeout bounds how long a transaction waits for any lock: an order that somebody else holds must not take the connections that
// other orders need.
//
// Every look-up is by key, for one key or hundreds, and the planner doesn't know how many an array holds. It would plan such a statement
// on every run, or keep a plan that scans a table which was small when it was made. plan_cache_mode and enable_seqscan prevent both. All
// settings travel with BEGIN, in one round trip; aloneSQL has these two for a statement that is a transaction of its own.
const (
	beginSQL = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '300ms'; ` +
		`SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off`
	beginReadSQL = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off`
	aloneSQL     = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`
)

// inTransaction runs f in a transaction, and commits if f returns nil.
func (s *Store) inTransaction(ctx context.Context, f func(pgx.Tx) error) error {
	return Explain(pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{BeginQuery: beginSQL}, f))
}

// alone runs one statement in a transaction of its own, in one round trip.
func (s *Store) alone(ctx context.Context, sql string, args []any, rows func(pgx.Rows) error) error {
	b := &pgx.Batch{}
	b.Queue(aloneSQL)
	b.Queue(sql, args...).Query(rows)
	return Explain(s.db.SendBatch(ctx, b).Close())
}

// read runs a batch in one read-only transaction, on one snapshot, so that what it reads is of one moment.
func (s *Store) read(ctx context.Context, b *pgx.Batch) error {
	options := pgx.TxOptions{BeginQuery: beginReadSQL}
	return Explain(pgx.BeginTxFunc(ctx, s.db, options, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() }))
}

// Ping takes the locks and does the reads of an event that does not exist: that a connection opens does not show that
// events can be applied. If the database lacks something, the error says what in words. The order's ID is random, so
// that nobody else, such as a process that stalls while it pings, holds its lock.
func (s *Store) Ping(ctx context.Context) error {
	id := "inorder-ping-" + rand.Text()
	err := s.inTransaction(ctx, func(tx pgx.Tx) error {
		e := Event{Event: inorder.Event{ID: id}, Change: inorder.Change{OrderID: id, Creates: true}}
		return newTransaction([]Event{e}, Options{}).read(ctx, tx)
	})
	if Lacking(err) != "" {
		return &lackingError{err}
	}
	return err
}
