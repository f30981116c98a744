package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder/internal/api"
	"inorder/internal/store"
)

// The events of one order, which are few, are found by its index and sorted by their own times; an event without one stands where it was received.
const (
	toldNext = ` WHERE (own, id) < (@at::timestamptz, @id::text) ORDER BY own DESC, id DESC LIMIT @limit`

	endedOfSQL = `
SELECT event_id, type, order_id, coalesce(` + storeOf + `, ''), 'ended', outcome, detail, via, occurred_at, at, processed_at, true, false FROM (
	SELECT *, event_id COLLATE "C" AS id, coalesce(received_at, processed_at) AS at, coalesce(occurred_at, received_at, processed_at) AS own
	FROM webhook_events WHERE order_id = @order OFFSET 0) AS e` + toldNext

	parkedOfSQL = `
SELECT event_id, type, order_id, coalesce(` + storeOf + `, ''), phase, '', ` + parkedDetail + `, '', occurred_at, received_at, NULL::timestamptz, ` + hasEnded + ` IS NULL, false FROM (
	SELECT *, event_id COLLATE "C" AS id, coalesce(occurred_at, received_at) AS own
	FROM pending_events WHERE order_id = @order OFFSET 0) AS walk` + toldNext
)

// ownPosition returns where an event is in its order's timeline.
func ownPosition(e api.Event) Position {
	if e.OccurredAt != nil {
		return Position{e.OccurredAt.Truncate(time.Microsecond), e.EventID}
	}
	return positionOf(e)
}

// Timeline returns a page of all events about an order that PostgreSQL has, ended or not, newest first by their own
// times. Of those in the inbox it has the newest thousand. Its error is ErrCursor for a malformed cursor.
func (v *View) Timeline(ctx context.Context, orderID, cursor string, limit int) (api.Page[api.Event], error) {
	after, err := ParseCursor(cursor)
	if err != nil || !storable(orderID) || orderID == "" {
		return api.Page[api.Event]{Data: []api.Event{}}, err
	}
	b := &pgx.Batch{}
	args := with(between(after, time.Time{}, time.Time{}), "order", orderID)
	args["limit"] = limit + 1
	sources := []*Found{queueTold(b, endedOfSQL, args), queueTold(b, parkedOfSQL, args), queueInbox(b, api.Filter{OrderID: orderID}, listArgs(api.Filter{OrderID: orderID}, Position{}, lookIntoBox), lookIntoBox)}
	if err := v.batch(ctx, b); err != nil {
		return api.Page[api.Event]{}, fmt.Errorf("read the timeline of order %s: %w", orderID, err)
	}
	received := sources[2]
	received.Looked = Position{}
	var all []Found
	for _, f := range sources {
		all = append(all, *f)
	}
	return merge(limit, ownPosition, after, all), nil
}

// queueTold reads events of an order from webhook_events or pending_events.
func queueTold(b *pgx.Batch, sql string, args pgx.NamedArgs) *Found {
	found, now, read := &Found{}, time.Now(), 0
	b.Queue(sql, args).Query(store.EachRow(func(row pgx.Row) error {
		e, matches, _, err := scanEvent(row, now)
		if matches {
			found.Events = append(found.Events, e)
		}
		if read++; read == args["limit"] {
			found.Looked = ownPosition(e)
		}
		return err
	}))
	return found
}
