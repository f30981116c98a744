package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Claim says which rows of the inbox one Drain takes.
type Claim struct {
	Limit int      // at most so many, longest due first
	Only  []string // only the events with these IDs, due or not; nil for all that are due
	Apply bool     // apply the events that end now; else every event becomes a workflow
}

// Drained is what one Drain did.
type Drained struct {
	Claimed []string // IDs of the events that it took, even if it failed; fewer than Limit if their bodies are large
	// Start are the events whose workflow must be started, or woken if it exists: events that do not end now, creators
	// of an order that others wait for, and events that also waited as a workflow or had ended when their row came up
	// again. Their rows stay until RemoveInbox, and come due again by themselves.
	Start []Starting
	// Ended are the events that have just ended.
	Ended []Ended
}

// Ended is an event that has ended, and how.
type Ended struct {
	inorder.Event
	Outcome inorder.Outcome
}

// Starting is an event whose workflow must be started or woken.
type Starting struct {
	inorder.Event
	Attempts int // how often its row of the inbox has come up, this time included
}

const (
	// Rows that other drainers have claimed are skipped, so that drainers work side by side. The row locks end with the
	// transaction, even if its process is killed.
	claimSQL     = `SELECT event_id, octet_length(body) FROM event_inbox WHERE not_before <= now() ORDER BY not_before LIMIT $1 FOR UPDATE SKIP LOCKED`
	claimOnlySQL = `SELECT event_id, octet_length(body) FROM event_inbox WHERE event_id = ANY ($2) LIMIT $1 FOR UPDATE SKIP LOCKED`

	selectInboxSQL = `SELECT body, received_at, attempts FROM event_inbox WHERE event_id = ANY ($1)`

	deleteInboxSQL = `DELETE FROM event_inbox WHERE event_id = ANY ($1)`

	removeInboxSQL = deleteInboxSQL + ` AND attempts = $2`

	// An event comes back after 1, 2, 4 … at most 15 seconds, with jitter, so that the events of an outage don't come all at once.
	postponeSQL = `
UPDATE event_inbox SET attempts = attempts + 1, reason = $2,
	not_before = now() + least(power(2, least(attempts, 4)), 15) * (0.75 + random() / 4) * interval '1 second'
WHERE event_id = ANY ($1)`

	// An event whose order is locked comes back soon, and the attempt is not counted.
	busySQL = `UPDATE event_inbox SET reason = 'the order is locked', not_before = now() + (50 + random() * 100) * interval '1 millisecond' WHERE event_id = ANY ($1)`

	// The events of an order that was just created are due at once. Rows that a drainer has claimed are left to it.
	dueSQL = `
UPDATE event_inbox SET not_before = now() WHERE event_id IN
	(SELECT event_id FROM event_inbox WHERE order_id = ANY ($1) AND not_before > now() ORDER BY event_id FOR UPDATE SKIP LOCKED)`
)

// Drain takes a batch of events from the inbox and applies those that end now, in one transaction and six round trips:
// begin, claim, read the bodies, lock and read, write, commit. read returns an event with what it says about its order.
//
// An error leaves everything as it was, except an error of the commit, after which the result is unknown. Drain may run
// again. OfOneEvent recognizes an error that one event alone may have caused.
func (s *Store) Drain(ctx context.Context, c Claim, read func(inorder.Event) Event) (d Drained, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		received, err := claim(ctx, tx, c)
		if err != nil || len(received) == 0 {
			return err
		}
		for _, e := range received {
			d.Claimed = append(d.Claimed, e.ID)
		}
		if !c.Apply {
			d.Start = received
			_, err := tx.Exec(ctx, postponeSQL, d.Claimed, becomesWorkflow)
			return err
		}
		return s.drain(ctx, tx, received, read, &d)
	})
	if err != nil {
		d = Drained{Claimed: d.Claimed}
	}
	return d, err
}

const becomesWorkflow = "it becomes a workflow as soon as Temporal accepts it"

// maxClaimed bounds the bodies of one batch, in bytes, because each may have a megabyte. One event is always taken.
const maxClaimed = 4 << 20

// claim locks the rows of one batch, and returns their events.
func claim(ctx context.Context, tx pgx.Tx, c Claim) (events []Starting, err error) {
	sql, args := claimSQL, []any{c.Limit}
	if c.Only != nil {
		sql, args = claimOnlySQL, []any{c.Limit, c.Only}
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var ids []string
	var id string
	var size, bytes int
	_, err = pgx.ForEachRow(rows, []any{&id, &size}, func() error {
		if bytes += size; bytes <= maxClaimed || len(ids) == 0 {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	if rows, err = tx.Query(ctx, selectInboxSQL, ids); err != nil {
		return nil, err
	}
	var (
		body     []byte
		received time.Time
		attempts int
	)
	_, err = pgx.ForEachRow(rows, []any{&body, &received, &attempts}, func() error {
		e, err := inorder.ParseEvent(body) // as the receiver did
		e.ReceivedAt = received.UTC()
		events = append(events, Starting{e, attempts + 1})
		return err
	})
	return events, err
}

func (s *Store) drain(ctx context.Context, tx pgx.Tx, received []Starting, read func(inorder.Event) Event, d *Drained) error {
	events := make([]Event, len(received))
	for i, e := range received {
		events[i] = read(e.Event)
	}
	t := newTransaction(events, Options{Via: ViaInbox, SkipLocked: true, OnlyEnds: true, Decide: Event.Decide})
	t.drained = d
	for i := range t.entries {
		t.entries[i].attempts = received[i].Attempts
	}
	if err := t.read(ctx, tx); err != nil {
		return err
	}
	t.decide()
	d.Ended = make([]Ended, len(t.ended))
	for i, e := range t.ended {
		d.Ended[i] = Ended{e.Event.Event, e.Outcome}
	}
	return t.write(ctx, tx)
}

// queueInbox removes events that have ended from the inbox, and postpones the others. If an order is created, here or
// by a workflow, its events in the inbox become due at once.
func (t *transaction) queueInbox(b *pgx.Batch) {
	var created []string
	for id, d := range t.changed {
		if d.Created {
			created = append(created, id)
		}
	}
	if len(created) > 0 {
		b.Queue(dueSQL, created)
	}
	if t.drained == nil {
		t.queueGivenUp(b)
		return
	}
	var gone, busy, starting []string
	for i := range t.entries {
		switch e := &t.entries[i]; {
		case e.Busy:
			busy = append(busy, e.ID)
		case e.Outcome == inorder.Waiting, e.Outcome == inorder.Attention, e.Waiters > 0, e.waits, e.Recorded && e.attempts > 1:
			starting = append(starting, e.ID)
			t.drained.Start = append(t.drained.Start, Starting{e.Event.Event, e.attempts})
		default:
			gone = append(gone, e.ID)
		}
	}
	if len(gone) > 0 {
		b.Queue(deleteInboxSQL, gone)
	}
	if len(starting) > 0 {
		b.Queue(postponeSQL, starting, becomesWorkflow)
	}
	if len(busy) > 0 {
		b.Queue(busySQL, busy)
	}
}

// queueGivenUp removes discarded events from the inbox.
func (t *transaction) queueGivenUp(b *pgx.Batch) {
	for _, e := range t.ended {
		if e.Outcome == inorder.Discarded {
			b.Queue(deleteInboxSQL, []string{e.ID})
		}
	}
}

// PostponeInbox makes events of the inbox come back later, and records why.
func (s *Store) PostponeInbox(ctx context.Context, eventIDs []string, reason string) error {
	return s.exec(ctx, postponeSQL, eventIDs, inorder.Bounded(reason))
}

// ExplainInbox records why events are still in the inbox, and does not change when they come back.
func (s *Store) ExplainInbox(ctx context.Context, eventIDs []string, reason string) error {
	return s.exec(ctx, `UPDATE event_inbox SET reason = $2 WHERE event_id = ANY ($1)`, eventIDs, inorder.Bounded(reason))
}

// RemoveInbox removes events that Temporal has, if their row has come up exactly attempts times. If it has come up again, it stays: the
// event may have been applied, and the drainer that did so must wake its workflow, or the next drainer if that one was killed.
// RemoveInbox may run twice.
func (s *Store) RemoveInbox(ctx context.Context, eventIDs []string, attempts int) error {
	return s.exec(ctx, removeInboxSQL, eventIDs, attempts)
}

// exec runs one statement, in one round trip.
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	return s.alone(ctx, sql, args, func(rows pgx.Rows) error { rows.Close(); return rows.Err() })
}
