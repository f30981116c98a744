package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Claim says which rows of the inbox one Drain takes.
type Claim struct {
	Limit int      // so many at most, those that have been due the longest
	Only  []string // the IDs of these events alone, due or not; nil for all that are due
	Apply bool     // apply what ends now; else every event is to become a workflow
}

// Drained is what one Drain did.
type Drained struct {
	Claimed []string // the IDs of the events that it took, also when it failed; fewer than Limit if their bodies are large
	// Start are the events whose workflow is to be started, or woken if there is one: those that do not end now, creators of an
	// order for which somebody waits, and those that waited as a workflow, too. Their rows stay until RemoveInbox, and are due
	// again by themselves.
	Start []Starting
	// Ended are the events that have just ended.
	Ended []Ended
}

// Ended is an event that has ended, and how.
type Ended struct {
	inorder.Event
	Outcome inorder.Outcome
}

// Starting is an event whose workflow is to be started or woken.
type Starting struct {
	inorder.Event
	Attempts int // how often its row of the inbox has come up, this time included
}

const (
	// What other drainers have claimed is skipped, so that they work side by side. The lock ends with the transaction,
	// also of one that was killed.
	claimSQL     = `SELECT event_id, octet_length(body) FROM event_inbox WHERE not_before <= now() ORDER BY not_before LIMIT $1 FOR UPDATE SKIP LOCKED`
	claimOnlySQL = `SELECT event_id, octet_length(body) FROM event_inbox WHERE event_id = ANY ($2) LIMIT $1 FOR UPDATE SKIP LOCKED`

	selectInboxSQL = `SELECT body, received_at, attempts FROM event_inbox WHERE event_id = ANY ($1)`

	deleteInboxSQL = `DELETE FROM event_inbox WHERE event_id = ANY ($1)`

	removeInboxSQL = deleteInboxSQL + ` AND attempts = $2`

	// An event comes back after one, two, four … at most 15 seconds, scattered, so that those of an outage don't come at once.
	postponeSQL = `
UPDATE event_inbox SET attempts = attempts + 1, reason = $2,
	not_before = now() + least(power(2, least(attempts, 4)), 15) * (0.75 + random() / 4) * interval '1 second'
WHERE event_id = ANY ($1)`

	// One whose order is locked by somebody comes back soon, and is not counted.
	busySQL = `UPDATE event_inbox SET reason = 'the order is locked', not_before = now() + (50 + random() * 100) * interval '1 millisecond' WHERE event_id = ANY ($1)`

	// The events of an order that is created are due at once. Those that a drainer has claimed are its.
	dueSQL = `
UPDATE event_inbox SET not_before = now() WHERE event_id IN
	(SELECT event_id FROM event_inbox WHERE order_id = ANY ($1) AND not_before > now() ORDER BY event_id FOR UPDATE SKIP LOCKED)`
)

// Drain takes a batch of events from the inbox and applies those that end now, in one transaction and six round trips: begin,
// claim, read the bodies, lock and read, write, commit. read says what an event means for its order.
//
// An error leaves all as it was, except one of the commit, after which nobody knows; it may run again. OfOneEvent tells an error
// that one event alone may have caused.
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

const becomesWorkflow = "it becomes a workflow as soon as Temporal takes it"

// maxClaimed bounds the bodies of one batch, in bytes, because each may have a megabyte. One is always taken.
const maxClaimed = 4 << 20

// claim returns the events.
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

// queueInbox removes the events from the inbox that have ended, and postpones the others. The inbox's events of the orders that
// are created, here or by a workflow, are due at once.
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

// queueGivenUp removes from the inbox what was given up.
func (t *transaction) queueGivenUp(b *pgx.Batch) {
	for _, e := range t.ended {
		if e.Outcome == inorder.Discarded {
			b.Queue(deleteInboxSQL, []string{e.ID})
		}
	}
}

// PostponeInbox has events of the inbox come back later, and says why.
func (s *Store) PostponeInbox(ctx context.Context, eventIDs []string, reason string) error {
	return s.exec(ctx, postponeSQL, eventIDs, inorder.Bounded(reason))
}

// ExplainInbox says why events are still in the inbox, and leaves when they come back.
func (s *Store) ExplainInbox(ctx context.Context, eventIDs []string, reason string) error {
	return s.exec(ctx, `UPDATE event_inbox SET reason = $2 WHERE event_id = ANY ($1)`, eventIDs, inorder.Bounded(reason))
}

// RemoveInbox removes events that Temporal has, whose rows have come up so many times: one that has come up again since was applied
// perhaps, and its workflow is to be woken by who did it, or by the next one if that was killed. It may run twice.
func (s *Store) RemoveInbox(ctx context.Context, eventIDs []string, attempts int) error {
	return s.exec(ctx, removeInboxSQL, eventIDs, attempts)
}

// exec runs one statement, in one round trip.
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	return s.alone(ctx, sql, args, func(rows pgx.Rows) error { rows.Close(); return rows.Err() })
}
