// Package store holds the SQL about events, orders, parts and waiting events. It decides nothing: what an event means for
// its order is the domain's to say, and whether a failure is tried again is its caller's.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// DB is a *pgxpool.Pool, or what a test puts in its place.
type DB interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
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
// take the connections that other orders need. Both travel with BEGIN, in one round trip.
const beginSQL = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '300ms'`

// inTransaction commits if f returns nil.
func (s *Store) inTransaction(ctx context.Context, f func(pgx.Tx) error) error {
	return Explain(pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{BeginQuery: beginSQL}, f))
}

// read runs a batch in one read-only transaction, on one snapshot, so that what it reads is of one moment.
func (s *Store) read(ctx context.Context, b *pgx.Batch) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return Explain(pgx.BeginTxFunc(ctx, s.db, options, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() }))
}

// Ping goes the way that every event goes, and finds nothing: that a connection opens does not say that events are applied.
// The order's ID is random, so that nobody else, such as a replica that is stalled while it pings, holds its lock.
func (s *Store) Ping(ctx context.Context) error {
	id := "inorder-ping-" + rand.Text()
	return s.inTransaction(ctx, func(tx pgx.Tx) error {
		_, err := lockAndRead(ctx, tx, Event{Event: inorder.Event{ID: id}, Change: inorder.Change{OrderID: id, Creates: true}})
		return err
	})
}

// optional lets a row be absent.
func optional(scan func(pgx.Row) error) func(pgx.Row) error {
	return func(row pgx.Row) error {
		if err := scan(row); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	}
}

func eachRow(scan func(pgx.Row) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
