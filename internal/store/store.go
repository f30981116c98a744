// Package store holds the SQL about events, orders, parts and waiting events. It decides nothing: what an event means for
// its order is the domain's to say, and whether a failure is tried again is its caller's.
package store

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// DB is a *pgxpool.Pool, or what a test puts in its place.
type DB interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Store is the tables of one database. Its methods may be called concurrently.
type Store struct {
	db   DB
	gate gate
}

// New returns a store on a database that has the newest schema.
func New(db DB) *Store { return &Store{db: db} }

// Read committed is named, whatever the server's default, because every read must see what was committed before the lock
// was granted. The time-out bounds how long a transaction waits for any lock: an order that somebody else holds must not
// take the connections that other orders need.
//
// Every look-up is by a key, for one key or hundreds. The planner does not know how many an array holds: it would plan such a
// statement anew each time, or prepare it for ever to scan a table that is small that day. The last two settings keep it from both. All
// travel with BEGIN, in one round trip; aloneSQL has those two for a statement that is a transaction of its own.
const (
	beginSQL = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '300ms'; ` +
		`SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off`
	beginReadSQL = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off`
	aloneSQL     = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`
)

// inTransaction commits if f returns nil.
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

// Ping goes the way that every event goes, and finds nothing: that a connection opens does not say that events are applied. What the
// database lacks is told in words.
// The order's ID is random, so that nobody else, such as a replica that is stalled while it pings, holds its lock.
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
