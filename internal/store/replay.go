package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// A replayed event is applied as if it had not ended. The same transaction writes its former end into the audit, once for
// each act. So a second run of the same replay finds the act, and then finds the event's row, as for any other event.

// former is how an event had ended before it was replayed.
type former struct {
	End
	processedAt time.Time
	via         Via
	hash        []byte // SHA-256 of the body as it was received; nil in rows of older versions
}

func (f *former) String() string {
	text := fmt.Sprintf("Previously it had ended as %s at %s, via %s", f.Outcome, f.processedAt.UTC().Format(time.RFC3339), f.via)
	if f.Detail == "" {
		return text
	}
	return text + ": " + f.Detail
}

const (
	selectFormerSQL = `SELECT event_id, outcome, detail, processed_at, coalesce(via, ''), body_hash FROM webhook_events WHERE event_id = ANY($1)`
	deleteEventSQL  = `DELETE FROM webhook_events WHERE event_id = $1`
)

func (e *entry) isReplay() bool { return e.Act != nil && e.Act.Action == ActReplay }

// queueFormer reads how the replayed events had ended.
func (t *transaction) queueFormer(b *pgx.Batch) {
	var replayed []string
	for i := range t.entries {
		if t.entries[i].isReplay() {
			replayed = append(replayed, t.entries[i].ID)
		}
	}
	if len(replayed) == 0 {
		return
	}
	b.Queue(selectFormerSQL, replayed).Query(EachRow(func(row pgx.Row) error {
		var f former
		err := row.Scan(&f.EventID, &f.Outcome, &f.Detail, &f.processedAt, &f.via, &f.hash)
		for i := range t.entries {
			if e := &t.entries[i]; e.isReplay() && e.ID == f.EventID {
				e.former = &f
			}
		}
		return err
	}))
}

// reopen treats replayed events as not ended, unless the same act has replayed them before.
func (t *transaction) reopen() {
	for i := range t.entries {
		e := &t.entries[i]
		if e.former == nil {
			continue
		}
		if e.acted {
			e.former = nil
			continue
		}
		e.Result = Result{Waiters: e.Waiters}
	}
}

// isHeldElsewhere reports whether the event's row names another workflow: that of another replay, which was asked for at the same
// time and came first, or that of the only replay while the event's own workflow has not ended yet. If each wrote the row, one of
// them would wait without one: neither a release nor a discard would reach it.
func (e *entry) isHeldElsewhere() bool { return e.waits && e.heldBy != cmp.Or(e.WorkflowID, e.ID) }

// staysApplied reports whether a replayed event that was applied stays so, because its replay changed nothing. If its
// order is gone, so is what the event did, and it does not stay applied.
func (e *entry) staysApplied(d inorder.Decision, orderKnown bool) bool {
	if e.former == nil || e.former.Outcome != inorder.Applied || e.Change.OrderID != "" && !orderKnown {
		return false
	}
	return d.Outcome == inorder.Stale || d.Outcome == inorder.Ignored || d.Outcome == inorder.Attention
}

// keptHash returns the hash of the body as it was received, or nil if that is not known. A replayed event has the stored
// body and an amended one what a person wrote. By their hash, a redelivery of the original would seem to have another body, so nil.
func (e *entry) keptHash() []byte {
	switch {
	case e.former != nil:
		return e.former.hash
	case e.WorkflowID != "", e.amended != nil:
		return nil
	}
	return e.hash
}

// A body that jsonb did not accept is stored as a string.
const selectPayloadSQL = `
SELECT type, CASE WHEN jsonb_typeof(payload) = 'string' THEN payload #>> '{}' ELSE payload::text END, coalesce(received_at, processed_at)
FROM webhook_events WHERE event_id = $1 AND payload IS NOT NULL`

// Ended returns an event that has ended, from its stored payload; found is false if it has no row, or its payload was removed.
func (s *Store) Ended(ctx context.Context, eventID string) (e inorder.Event, found bool, err error) {
	var eventType, body string
	var receivedAt stamp
	if found, err = s.scanOne(ctx, selectPayloadSQL, []any{eventID}, &eventType, &body, &receivedAt); err != nil || !found {
		return inorder.Event{}, false, err
	}
	var compact bytes.Buffer // without the blanks of jsonb's text, which make it longer than what came
	if json.Compact(&compact, []byte(body)) == nil {
		body = compact.String()
	}
	if e, err = inorder.ParseEvent([]byte(body)); err != nil {
		e = inorder.Event{Type: eventType, Body: []byte(body)} // it will need a person, who can amend it
	}
	e.ID, e.ReceivedAt = eventID, receivedAt.Time.UTC()
	return e, true, nil
}
