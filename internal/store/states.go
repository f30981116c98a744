package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// EventState is what became of an event. Outcome is empty while it is in no table.
type EventState struct {
	ID       string
	Outcome  inorder.Outcome
	Detail   string
	Released bool // it waits, but its order is there: it will go on at once
}

// Moving reports whether the event is on its way: it has not ended, and waits for nobody.
func (s EventState) Moving() bool { return s.Outcome == "" || s.Released }

const (
	selectStatesSQL = `
SELECT e.id, coalesce(w.outcome, p.phase, '') AS outcome,
       coalesce(w.detail, CASE WHEN p.phase = 'attention' THEN p.detail WHEN p.event_id IS NOT NULL THEN 'its order does not exist yet' END, '') AS detail,
       p.event_id IS NOT NULL AND p.phase <> 'attention' AND o.id IS NOT NULL AS released
FROM unnest($1::text[]) WITH ORDINALITY AS e(id, n)
LEFT JOIN webhook_events w ON w.event_id = e.id
LEFT JOIN pending_events p ON p.event_id = e.id
LEFT JOIN orders o ON o.id = p.order_id
ORDER BY e.n`

	selectSummarySQL = `
SELECT concat_ws(' · ', 'status ' || status, 'payment ' || payment_status, 'fulfillment ' || fulfillment_status,
                 'total ' || total_amount || ' ' || currency,
                 (SELECT string_agg('refunded ' || refunded_amount || ' ' || r.currency || ' in ' || refunds, ' · ')
                  FROM order_refunds r WHERE order_id = id),
                 (SELECT string_agg(kind || ' ' || p.status, ' · ' ORDER BY kind, p.id)
                  FROM order_parts p WHERE order_id = o.id AND kind <> 'refund'))
FROM orders o WHERE id = $1`
)

// States returns the states of events, in the order of the given IDs.
func (s *Store) States(ctx context.Context, eventIDs []string) ([]EventState, error) {
	states, err := list(ctx, s, pgx.RowToStructByName[EventState], selectStatesSQL, eventIDs)
	if err != nil {
		return nil, fmt.Errorf("read what became of the events: %w", err)
	}
	return states, nil
}

// OrderSummary returns one line about an order for people, or "" if there is no such order.
func (s *Store) OrderSummary(ctx context.Context, orderID string) (line string, err error) {
	if _, err := s.scanOne(ctx, selectSummarySQL, []any{orderID}, &line); err != nil {
		return "", fmt.Errorf("read order %s: %w", orderID, err)
	}
	return line, nil
}
