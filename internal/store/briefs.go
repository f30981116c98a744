package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Brief is an event without its payload.
type Brief struct {
	EventID, Type, OrderID, StoreID string
	State                           string // inbox, waiting, stuck, attention; "" if it has ended
	Outcome, Via                    string // of one that has ended
	Detail                          string
	ReceivedAt                      time.Time
	OccurredAt, ProcessedAt         *time.Time
	Body                            []byte // of one in the inbox, which has its type and store
}

const selectBriefsSQL = `
SELECT event_id, type, coalesce(order_id, '') AS order_id, coalesce(` + storeOf + `, '') AS store_id, '' AS state, outcome, via, detail,
       coalesce(received_at, processed_at) AS received_at, occurred_at, processed_at, NULL::bytea AS body
FROM webhook_events WHERE event_id = ANY($1)
UNION ALL
SELECT event_id, type, coalesce(order_id, ''), coalesce(` + storeOf + `, ''), phase, '', '',
       CASE WHEN phase = 'attention' THEN detail ELSE 'its order does not exist yet' END, received_at, occurred_at, NULL, NULL
FROM pending_events WHERE event_id = ANY($1)
UNION ALL
SELECT event_id, '', coalesce(order_id, ''), '', 'inbox', '', '', reason, received_at, NULL, NULL, body
FROM event_inbox WHERE event_id = ANY($1) AND NOT EXISTS (SELECT FROM pending_events p WHERE p.event_id = event_inbox.event_id)`

// Briefs returns those of the events that PostgreSQL knows.
func (s *Store) Briefs(ctx context.Context, events []string) ([]Brief, error) {
	briefs, err := list(ctx, s, pgx.RowToStructByName[Brief], selectBriefsSQL, events)
	for i := range briefs {
		b := &briefs[i]
		if e, err := inorder.ParseEvent(b.Body); err == nil {
			b.Type, b.StoreID = e.Type, e.StoreID
			if !e.OccurredAt.IsZero() {
				b.OccurredAt = &e.OccurredAt
			}
		}
		b.Body = nil
	}
	return briefs, err
}
