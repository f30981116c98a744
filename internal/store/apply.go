package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Event is an event beside what it says about its order. Change holds the order's ID at most where a person must look
// at the event.
type Event struct {
	inorder.Event
	Change inorder.Change
	// Payload stands in for a body that jsonb does not take; nil for the body itself.
	Payload json.RawMessage

	hash []byte // SHA-256 of the body, made once for a transaction
}

// payload is what is stored of the body as jsonb; nil if the body is no JSON and nothing stands in for it.
func (e Event) payload() json.RawMessage {
	switch {
	case e.Payload != nil:
		return storable(e.Payload)
	case e.Type == "" && !json.Valid(e.Body): // a body with a type was read as JSON already
		return nil
	}
	return storable(e.Body)
}

// Known is what the database knows when an event comes to be applied.
type Known struct {
	Outcome inorder.Outcome // of the event, if it has ended; else ""
	Detail  string
	// OtherBody is set when the event that ended had another body than this one, under the same ID.
	OtherBody bool
	Waiters   int           // other events that wait for the order; counted for an event that creates it and, when that is written, for one that waits
	Order     inorder.Order // with the parts that the event speaks of, or with all of them for a reconciled one
}

// Apply is the dedupe transaction, in four round trips: begin, a batch that locks and reads, a batch that writes, commit.
// decide is pure, and is not called for an event that has ended: then nothing is written, and Known has its end. An
// outcome that is no end (waiting, stuck, attention) is a row of pending_events; an end is a row of webhook_events, with
// the order and its parts.
//
// The error is a BusyError if the order's lock could not be had in a fraction of a second. An error leaves nothing behind,
// except one of the commit itself, after which nobody knows: the event is to be applied again.
func (s *Store) Apply(ctx context.Context, e Event, decide func(Known) inorder.Decision) (k Known, d inorder.Decision, err error) {
	e.hash = bodyHash(e.Body)
	err = s.locked(ctx, e.Change.OrderID, func(tx pgx.Tx) error {
		if k, err = lockAndRead(ctx, tx, e); err != nil || k.Outcome != "" {
			return err
		}
		switch d = decide(k); d.Outcome {
		case inorder.Waiting, inorder.Stuck, inorder.Attention:
			k.Waiters, err = writePending(ctx, tx, e, d.Outcome, d.Detail)
			return err
		}
		return writeEnd(ctx, tx, e, d)
	})
	return k, d, err
}

// locked runs f in a transaction, in the order's line.
func (s *Store) locked(ctx context.Context, order string, f func(pgx.Tx) error) error {
	run := func() error { return s.inTransaction(ctx, f) }
	if order != "" {
		return s.gate.pass(ctx, order, run)
	}
	err := run()
	if isLockTimeout(err) { // of another run of the same event
		return &BusyError{cause: err}
	}
	return err
}

// The order's lock serialises the events of one order, and makes "the order is missing, so I wait" and "I create the
// order, who waits?" exclude each other. It is a lock on the ID because there may be no row yet, and scoped to the
// transaction because session locks break under a transaction pooler.
const (
	lockSQL = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`

	selectEventSQL = `SELECT outcome, detail, coalesce(body_hash <> $2, false) FROM webhook_events WHERE event_id = $1`

	countWaitersSQL = `SELECT count(*) FROM pending_events WHERE order_id = $1 AND phase <> 'attention' AND event_id <> $2`
)

// lockAndRead is one round trip. The lock comes first, so that the reads see everything committed under it.
func lockAndRead(ctx context.Context, tx pgx.Tx, e Event) (Known, error) {
	k := Known{}
	b := &pgx.Batch{}
	b.Queue(lockSQL, lockName(e.ID, e.Change.OrderID))
	b.Queue(selectEventSQL, e.ID, e.hash).QueryRow(optional(func(row pgx.Row) error {
		return row.Scan(&k.Outcome, &k.Detail, &k.OtherBody)
	}))
	if e.Change.OrderID != "" {
		b.Queue(selectOrderSQL, e.Change.OrderID).QueryRow(optional(func(row pgx.Row) error {
			return scanOrder(row, &k.Order)
		}))
	}
	if e.Change.Creates {
		b.Queue(countWaitersSQL, e.Change.OrderID, e.ID).QueryRow(func(row pgx.Row) error {
			return row.Scan(&k.Waiters)
		})
	}
	queueParts(b, e, &k.Order)
	err := tx.SendBatch(ctx, b).Close()
	return k, err
}

func bodyHash(body []byte) []byte {
	sum := sha256.Sum256(body)
	return sum[:]
}

// lockName is the order's ID, or the event's own where there is no order. The prefix keeps the two apart.
func lockName(eventID, orderID string) string {
	if orderID == "" {
		return "event " + eventID
	}
	return "order " + orderID
}

// No ON CONFLICT: a row that is already there is an error, never a second effect.
const insertEventSQL = `
INSERT INTO webhook_events (event_id, type, order_id, outcome, detail, occurred_at, payload, body_hash)
VALUES ($1, $2, nullif($3, ''), $4, $5, $6, $7, $8)`

// writeEnd writes the event's row and its effect, in one round trip. A stale event has no effect but, where it tells of a
// part without an ID, that part, which is kept and does not count.
func writeEnd(ctx context.Context, tx pgx.Tx, e Event, d inorder.Decision) error {
	b := &pgx.Batch{}
	b.Queue(insertEventSQL, e.ID, e.Type, e.Change.OrderID, d.Outcome, d.Detail, nullTime(e.OccurredAt), e.payload(), e.hash)
	b.Queue(deletePendingSQL, e.ID)
	if d.Outcome == inorder.Applied {
		queueOrder(b, d)
	}
	queueUpserts(b, e.Change.OrderID, d.NewParts)
	return tx.SendBatch(ctx, b).Close()
}

// Discard records that the event was given up, with its payload. An event that has ended stays as it ended: Known says
// how, and who waits for the order that it created.
func (s *Store) Discard(ctx context.Context, e Event, detail string) (Known, error) {
	k, _, err := s.Apply(ctx, e, func(Known) inorder.Decision {
		return inorder.Decision{Outcome: inorder.Discarded, Detail: detail}
	})
	return k, err
}
