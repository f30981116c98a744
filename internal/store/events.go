package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"inorder"
)

const (
	// How the events ended, and which have a row of pending_events. The latter have no outcome; their detail is the
	// order that they wait for, or "" in attention, they have a hash only if a person corrected their body, and they name their workflow.
	selectEventsSQL = `
SELECT event_id, outcome, detail, body_hash, '' FROM webhook_events WHERE event_id = ANY($1)
UNION ALL
SELECT event_id, '', CASE WHEN phase <> 'attention' THEN order_id ELSE '' END, CASE WHEN amended_at IS NOT NULL THEN sha256(body) END,
    coalesce(workflow_id, event_id)
FROM pending_events WHERE event_id = ANY($1)`

	countWaitersSQL = `SELECT order_id, count(*) FROM pending_events WHERE order_id = ANY($1) AND phase <> 'attention' GROUP BY order_id`

	// No ON CONFLICT: a row that is already there is an error, never a second effect.
	insertEventSQL = `
INSERT INTO webhook_events (via, event_id, type, order_id, outcome, detail, occurred_at, received_at, payload, body_hash)
VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9, $10)`

	deletePendingSQL = `DELETE FROM pending_events WHERE event_id = ANY($1)`
)

// queueEvents reads which of the events have ended or wait, and how many events wait for the orders that they create.
func (t *transaction) queueEvents(b *pgx.Batch) {
	var events, created []string
	for i := range t.entries {
		e := &t.entries[i]
		events = append(events, e.ID)
		if e.Change.Creates {
			created = append(created, e.Change.OrderID)
		}
	}
	if len(created) > 0 {
		b.Queue(countWaitersSQL, created).Query(EachRow(func(row pgx.Row) error {
			var id string
			var n int
			err := row.Scan(&id, &n)
			for i := range t.entries {
				if e := &t.entries[i]; e.Change.Creates && e.Change.OrderID == id {
					e.Waiters = n
				}
			}
			return err
		}))
	}
	b.Queue(selectEventsSQL, events).Query(EachRow(func(row pgx.Row) error {
		var id, outcome, detail, workflow string
		var hash []byte
		err := row.Scan(&id, &outcome, &detail, &hash, &workflow)
		for i := range t.entries {
			switch e := &t.entries[i]; {
			case e.ID != id:
			case outcome == "":
				e.waits, e.waiting, e.amended, e.heldBy = true, detail != "", hash, workflow
				if e.Change.Creates && detail == e.Change.OrderID { // it waited under another body; it doesn't wait for itself
					e.Waiters--
				}
			default:
				e.Recorded, e.Outcome, e.Detail = true, inorder.Outcome(outcome), detail
				// Rows of older versions have no hash. A replayed event has the stored body.
				e.OtherBody = hash != nil && e.WorkflowID == "" && !bytes.Equal(hash, e.hash)
			}
		}
		return err
	}))
}

// queueEnds writes a row of webhook_events for each event that ends, and counts in inserted those that PostgreSQL accepted. Before that,
// it deletes the former rows of replayed events, unless they stay as they had ended; after that, the rows of pending_events.
func (t *transaction) queueEnds(b *pgx.Batch, inserted *int) {
	slices.SortFunc(t.ended, byID)
	for i := range t.entries {
		if e := &t.entries[i]; e.former != nil && !e.kept {
			b.Queue(deleteEventSQL, e.ID)
		}
	}
	var waited []string
	for _, e := range t.ended {
		if e.waits {
			waited = append(waited, e.ID)
		}
		b.Queue(insertEventSQL, t.Via, e.ID, e.Type, e.Change.OrderID, e.Outcome, e.Detail, nullTime(e.OccurredAt), nullTime(e.ReceivedAt), e.payload(), e.keptHash()).
			Exec(func(pgconn.CommandTag) error { *inserted++; return nil })
	}
	if len(waited) > 0 {
		b.Queue(deletePendingSQL, waited)
	}
}

func byID(a, b *entry) int { return cmp.Compare(a.ID, b.ID) }

// payload returns what is stored of the body as jsonb; nil for a bare event, or if the body is not JSON and there is no Payload.
func (e Event) payload() json.RawMessage {
	switch {
	case e.bare:
		return nil
	case e.Payload != nil:
		return storable(e.Payload)
	case e.Type == "" && !json.Valid(e.Body): // a body with a type was read as JSON already
		return nil
	}
	return storable(e.Body)
}

// End is how an event ended.
type End struct {
	EventID string
	Outcome inorder.Outcome
	Detail  string
}

const selectEndsSQL = `SELECT event_id, outcome, detail FROM webhook_events WHERE event_id = ANY($1)`

// Ends returns how the events ended, of those that have.
func (s *Store) Ends(ctx context.Context, events []string) ([]End, error) {
	return list(ctx, s, pgx.RowToStructByName[End], selectEndsSQL, events)
}

const selectBodyHashSQL = `
SELECT body_hash FROM webhook_events WHERE event_id = $1 AND body_hash IS NOT NULL
UNION ALL
SELECT sha256(body) FROM pending_events WHERE event_id = $1 AND body IS NOT NULL AND workflow_id IS NULL AND amended_at IS NULL
LIMIT 1`

// BodyHash returns the SHA-256 of an event's body as it was first received. found is false if the event has no row or
// one of an older version, or if it waits with another body, because it is replayed or a person corrected it.
func (s *Store) BodyHash(ctx context.Context, eventID string) (hash []byte, found bool, err error) {
	found, err = s.scanOne(ctx, selectBodyHashSQL, []any{eventID}, &hash)
	return hash, found, err
}
