package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Selection selects events for a bulk action by what PostgreSQL knows of them. Zero fields other than Ended do not restrict it; a zero
// ReceivedBefore is the time of the query.
type Selection struct {
	Ended bool   // events that have ended; else those that have not
	State string // of events that have not ended: inbox, waiting, stuck, attention; any other selects none

	Outcome, Via           string // of events that have ended
	Type, OrderID, StoreID string
	ReceivedAfter          time.Time // or at that time
	ReceivedBefore         time.Time
}

// Selected is an event that was selected.
type Selected struct {
	EventID    string
	ReceivedAt time.Time // for rows of older versions, when the event was processed
}

const (
	beginBulkSQL = `BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '300ms'; SET LOCAL plan_cache_mode = force_custom_plan`

	storeOf      = `CASE jsonb_typeof(payload->'store_id') WHEN 'string' THEN payload->>'store_id' END`
	storeOfEnded = `coalesce(store_id, ` + storeOf + `)` // the column is set when the payload is removed

	bulkEndedSQL = `
SELECT event_id, coalesce(received_at, processed_at) AS received, NULL::bytea FROM webhook_events
WHERE ($1 = '' OR outcome = $1) AND ($2 = '' OR via = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR order_id = $4)
  AND ($5 = '' OR ` + storeOfEnded + ` = $5)
  AND ($6::timestamptz IS NULL OR coalesce(received_at, processed_at) >= $6) AND ($7::timestamptz IS NULL OR coalesce(received_at, processed_at) < $7)
ORDER BY received, event_id LIMIT $8`

	// The type and store of an event in the inbox are in its body, which PostgreSQL may not accept as JSON. An event
	// that is in another table too is counted once.
	bulkOpenSQL = `
SELECT event_id, received_at, NULL::bytea FROM pending_events
WHERE ($1 = '' OR phase = $1) AND ($2 = '' OR type = $2) AND ($3 = '' OR order_id = $3) AND ($4 = '' OR ` + storeOf + ` = $4)
  AND ($5::timestamptz IS NULL OR received_at >= $5) AND ($6::timestamptz IS NULL OR received_at < $6)
UNION ALL
SELECT event_id, received_at, CASE WHEN $2 <> '' OR $4 <> '' THEN body END FROM event_inbox i
WHERE $1 IN ('', 'inbox') AND ($3 = '' OR order_id = $3)
  AND ($5::timestamptz IS NULL OR received_at >= $5) AND ($6::timestamptz IS NULL OR received_at < $6)
  AND NOT EXISTS (SELECT FROM pending_events p WHERE p.event_id = i.event_id)
  AND NOT EXISTS (SELECT FROM webhook_events w WHERE w.event_id = i.event_id)
ORDER BY 2, 1 LIMIT $7`
)

// Select returns the selected events, oldest first, at most limit, and the time of the query by PostgreSQL's clock,
// which stands in for a ReceivedBefore that is not set.
func (s *Store) Select(ctx context.Context, sel Selection, limit int) (events []Selected, at time.Time, err error) {
	err = s.inBulk(ctx, func(tx pgx.Tx) error {
		events, at, err = sel.read(ctx, tx, limit)
		return err
	})
	return events, at, err
}

// inBulk runs f on one snapshot, and commits.
func (s *Store) inBulk(ctx context.Context, f func(pgx.Tx) error) error {
	return Explain(pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{BeginQuery: beginBulkSQL}, f))
}

func (sel Selection) read(ctx context.Context, tx pgx.Tx, limit int) (events []Selected, at time.Time, err error) {
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&at); err != nil {
		return nil, time.Time{}, err
	}
	if sel.ReceivedBefore.IsZero() {
		sel.ReceivedBefore = at
	}
	after, before := nullTime(sel.ReceivedAfter), nullTime(sel.ReceivedBefore)
	rowLimit := &limit
	if (sel.Type != "" || sel.StoreID != "") && (sel.State == "" || sel.State == "inbox") {
		rowLimit = nil // PostgreSQL must not limit: matches filters the inbox's rows only here
	}
	sql, args := bulkOpenSQL, []any{sel.State, sel.Type, sel.OrderID, sel.StoreID, after, before, rowLimit}
	if sel.Ended {
		sql, args = bulkEndedSQL, []any{sel.Outcome, sel.Via, sel.Type, sel.OrderID, sel.StoreID, after, before, limit}
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, at.UTC(), err
	}
	var e Selected
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&e.EventID, &e.ReceivedAt, &body}, func() error {
		if len(events) < limit && (body == nil || sel.matches(body)) {
			events = append(events, Selected{e.EventID, e.ReceivedAt.UTC()})
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("select events: %w", err)
	}
	return events, at.UTC(), err
}

// matches reports whether the body of an event in the inbox has the type and the store.
func (sel Selection) matches(body []byte) bool {
	e, err := inorder.ParseEvent(body)
	return err == nil && (sel.Type == "" || e.Type == sel.Type) && (sel.StoreID == "" || e.StoreID == sel.StoreID)
}
