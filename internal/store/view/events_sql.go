package view

// The statements about lists of events. Each walks an index of one table in the order of the list, from a place on (@at, @id) and
// down to a time (@since). It returns the rows that the filter selects, until there are enough (@limit), and stops after a bounded
// number of rows (@look). The last row that it looks at is returned as well, selected or not, because the next page begins there.
// Every step repeats the order: where it is missing, the planner loses the order of the index, and reads everything to sort it.
//
// The events of an order are found by the index on the order: OFFSET 0 is a fence, because the planner may think that walking all
// events by time is cheaper. Whether a selected event has ended is looked up by its key; a scalar subquery can't become a join
// that reads the whole table. IDs are compared by bytes, whatever the collation of the database, as in Merge.
const (
	storeOf = `CASE jsonb_typeof(payload->'store_id') WHEN 'string' THEN payload->>'store_id' END`

	hasEnded = `(SELECT true FROM webhook_events w WHERE w.event_id = walk.event_id)`
	isParked = `(SELECT true FROM pending_events p WHERE p.event_id = walk.event_id)`

	// The column is set when the payload of an ended event is removed.
	storeOfWalked = `coalesce(store_id, ` + storeOf + `)`

	walked = ` FROM (
	SELECT *, row_number() OVER () AS place, ((@type::text = '' OR type = @type) AND (@order::text = '' OR order_id = @order)
		AND (@store::text = '' OR ` + storeOfWalked + ` = @store) AND `
	enough = `
	ORDER BY at DESC, id DESC
) AS e WHERE matches OR place = @look ORDER BY at DESC, id DESC LIMIT @limit`

	endedSQL = `
SELECT event_id, type, coalesce(order_id, ''), coalesce(` + storeOfWalked + `, ''), 'ended', outcome, detail, via, occurred_at, at, processed_at, matches, place = @look` + walked +
		`(@outcome::text = '' OR outcome = @outcome) AND (@via::text = '' OR via = @via)) IS TRUE AS matches FROM (
		SELECT event_id, event_id COLLATE "C" AS id, type, order_id, outcome, detail, via, occurred_at, processed_at, payload, store_id, coalesce(received_at, processed_at) AS at FROM `
	endedAfter = ` (coalesce(received_at, processed_at), event_id COLLATE "C") < (@at::timestamptz, @id::text) AND coalesce(received_at, processed_at) >= @since::timestamptz
		ORDER BY `
	endedOrder = `coalesce(received_at, processed_at) DESC, event_id COLLATE "C" DESC LIMIT @look) AS walk`

	endedByTimeSQL  = endedSQL + `webhook_events WHERE` + endedAfter + endedOrder + enough
	endedByOrderSQL = endedSQL + `(SELECT * FROM webhook_events WHERE order_id = @order OFFSET 0) AS of_order WHERE` + endedAfter + endedOrder + enough

	// A range that holds one outcome: with "=", the planner could walk all events by time, which may be a million for each event of this outcome.
	endedByOutcomeSQL = endedSQL + `webhook_events WHERE outcome <> 'applied' AND outcome >= @outcome
			AND (outcome, coalesce(received_at, processed_at)) <= (@outcome, @at::timestamptz) AND` + endedAfter + `outcome DESC, ` + endedOrder + `
	ORDER BY outcome DESC, at DESC, id DESC
) AS e WHERE matches OR place = @look ORDER BY outcome DESC, at DESC, id DESC LIMIT @limit`

	parkedDetail = `CASE WHEN phase = 'attention' THEN detail ELSE 'its order does not exist yet' END`

	parkedSQL = `
SELECT event_id, type, coalesce(order_id, ''), coalesce(` + storeOfWalked + `, ''), phase, '', ` + parkedDetail + `, '', occurred_at, at, NULL::timestamptz, matches, place = @look` + walked +
		hasEnded + ` IS NULL) IS TRUE AS matches FROM (
		SELECT event_id, event_id COLLATE "C" AS id, type, order_id, phase, detail, occurred_at, payload, NULL::text AS store_id, received_at AS at FROM `
	parkedNext = ` (received_at, event_id COLLATE "C") < (@at::timestamptz, @id::text) AND received_at >= @since::timestamptz
		ORDER BY received_at DESC, event_id COLLATE "C" DESC LIMIT @look) AS walk` + enough

	parkedByPhaseSQL = parkedSQL + `pending_events WHERE phase = @phase AND` + parkedNext
	parkedByOrderSQL = parkedSQL + `(SELECT * FROM pending_events WHERE order_id = @order OFFSET 0) AS of_order WHERE phase = @phase AND` + parkedNext

	// Type and store are in the body, which PostgreSQL may not accept as JSON; so they are read in Go. A row has no body
	// if the bodies up to it have more than @bytes together.
	inboxSQL = `
SELECT event_id, CASE WHEN bytes <= @bytes OR place = 1 THEN body END, reason, at, not_before, coalesce(order_id, ''), ` + hasEnded + ` IS NULL AND ` + isParked + ` IS NULL FROM (
	SELECT *, row_number() OVER () AS place, sum(octet_length(body)) OVER (ORDER BY at DESC, id DESC ROWS UNBOUNDED PRECEDING) AS bytes FROM (
		SELECT event_id, event_id COLLATE "C" AS id, order_id, body, reason, received_at AS at, not_before FROM `
	inboxNext = ` (received_at, event_id COLLATE "C") < (@at::timestamptz, @id::text) AND received_at >= @since::timestamptz
		ORDER BY received_at DESC, event_id COLLATE "C" DESC LIMIT @look) AS looked
) AS walk ORDER BY at DESC, id DESC`

	inboxByTimeSQL  = inboxSQL + `event_inbox WHERE` + inboxNext
	inboxByOrderSQL = inboxSQL + `(SELECT * FROM event_inbox WHERE order_id = @order OFFSET 0) AS of_order WHERE` + inboxNext
)
