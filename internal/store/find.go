package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Place is where an event stands in PostgreSQL.
type Place struct {
	Outcome    inorder.Outcome // how it ended; "" if it has not
	Phase      string          // waiting, stuck or attention; "" if it has no row of pending_events
	WorkflowID string          // if it has such a row: its own ID, or that of its replay
	OrderID    string
	Inbox      bool // it is in the inbox
	// PayloadRemovedAt is when the payload of an ended event was removed; zero if it is still there.
	PayloadRemovedAt time.Time
}

const selectPlaceSQL = `
SELECT coalesce(w.outcome, ''), coalesce(p.phase, ''), coalesce(p.workflow_id, p.event_id, ''),
       coalesce(w.order_id, p.order_id, i.order_id, ''), i.event_id IS NOT NULL, w.payload_removed_at
FROM (VALUES ($1::text)) AS asked (id)
LEFT JOIN webhook_events w ON w.event_id = asked.id
LEFT JOIN pending_events p ON p.event_id = asked.id
LEFT JOIN event_inbox i ON i.event_id = asked.id
WHERE w.event_id IS NOT NULL OR p.event_id IS NOT NULL OR i.event_id IS NOT NULL`

// Place returns where an event is; found is false if PostgreSQL does not have it.
func (s *Store) Place(ctx context.Context, eventID string) (p Place, found bool, err error) {
	var removed stamp
	found, err = s.scanOne(ctx, selectPlaceSQL, []any{eventID}, &p.Outcome, &p.Phase, &p.WorkflowID, &p.OrderID, &p.Inbox, &removed)
	if err != nil {
		return Place{}, false, fmt.Errorf("find event %s: %w", eventID, err)
	}
	p.PayloadRemovedAt = removed.Time.UTC()
	if !removed.Valid {
		p.PayloadRemovedAt = time.Time{}
	}
	return p, found, nil
}

const selectInboxEventSQL = `SELECT body, received_at FROM event_inbox WHERE event_id = $1`

// InboxEvent returns an event as the inbox has it; found is false if it is not there.
func (s *Store) InboxEvent(ctx context.Context, eventID string) (e inorder.Event, found bool, err error) {
	var body []byte
	var receivedAt stamp
	if found, err = s.scanOne(ctx, selectInboxEventSQL, []any{eventID}, &body, &receivedAt); err != nil {
		return inorder.Event{}, false, fmt.Errorf("read event %s from the inbox: %w", eventID, err)
	}
	return parsed(eventID, body, receivedAt, stamp{}), found, nil
}

const dueNowSQL = `UPDATE event_inbox SET not_before = least(not_before, now()) WHERE event_id = $1`

// DueNow makes an event of the inbox due now, and records the act; found is false if the event is no longer there.
func (s *Store) DueNow(ctx context.Context, act Act) (found bool, err error) {
	err = s.inLine(ctx, "", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, dueNowSQL, act.EventID)
		if found = tag.RowsAffected() > 0; err != nil || !found {
			return err
		}
		_, err = tx.Exec(ctx, insertAuditSQL, act.row()...)
		return err
	})
	return found, err
}

const countReplaysSQL = `SELECT count(*) FROM audit_log WHERE event_id = $1 AND action = 'replay'`

// Replays returns how often an event was replayed.
func (s *Store) Replays(ctx context.Context, eventID string) (n int, err error) {
	_, err = s.scanOne(ctx, countReplaysSQL, []any{eventID}, &n)
	return n, err
}

const selectActSQL = `SELECT result, at FROM audit_log WHERE act_id = $1`

// Acted returns the result of an act; found is false if the act is not in the audit.
func (s *Store) Acted(ctx context.Context, actID string) (result string, found bool, err error) {
	var at time.Time
	found, err = s.scanOne(ctx, selectActSQL, []any{actID}, &result, &at)
	return result, found, err
}
