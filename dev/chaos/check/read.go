package check

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	ended = "webhook_events"

	// The places of each event; the first one counts.
	placesSQL = `
SELECT event_id, 'webhook_events', outcome, 1 AS precedence FROM webhook_events
UNION ALL SELECT event_id, 'pending_events', phase, 2 FROM pending_events
UNION ALL SELECT event_id, 'event_inbox', 'inbox', 3 FROM event_inbox
ORDER BY event_id, precedence`

	ordersSQL = `
SELECT id, coalesce(store_id, ''), coalesce(number, ''), coalesce(status, ''), coalesce(payment_status, ''), coalesce(fulfillment_status, ''),
	total_amount, coalesce(currency, ''), data, data_event_id, ARRAY[status_at, payment_at, fulfillment_at, data_at, last_webhook_at,
	payments_listed_at, fulfillments_listed_at, refunds_listed_at, returns_listed_at]
FROM orders`

	partsSQL = `SELECT order_id, kind, id, coalesce(status, ''), amount, coalesce(currency, ''), event_id, last_webhook_at, data FROM order_parts`

	// A sum is NULL if no amount is known.
	refundsSQL = `SELECT order_id, coalesce(currency, ''), refunded_amount FROM order_refunds WHERE refunded_amount IS NOT NULL`
)

func readPlaces(ctx context.Context, db Querier) (map[string][]place, error) {
	places := map[string][]place{}
	var id string
	var p place
	return places, each(ctx, db, placesSQL, []any{&id, &p.in, &p.as, new(int)}, func() { places[id] = append(places[id], p) })
}

// readOrders returns the facts of all orders in the tables.
func readOrders(ctx context.Context, db Querier) (map[string]facts, error) {
	orders := map[string]facts{}
	var (
		id, store, number, status, payment, fulfillment, currency, event string
		total                                                            *int64
		data                                                             json.RawMessage
		times                                                            []*time.Time
	)
	err := each(ctx, db, ordersSQL, []any{&id, &store, &number, &status, &payment, &fulfillment, &total, &currency, &data, &event, &times}, func() {
		f := facts{"store": store, "number": number, "status": status, "payment status": payment, "fulfillment status": fulfillment,
			"total": amount(total), "currency": currency, "data": canonical(data), "data's event": event}
		for i, name := range []string{"status's time", "payment status's time", "fulfillment status's time", "data's time", "last webhook",
			"payments listed", "fulfillments listed", "refunds listed", "returns listed"} {
			if f[name] = ""; times[i] != nil {
				f[name] = clock(*times[i])
			}
		}
		orders[id] = f
	})
	if err == nil {
		err = readParts(ctx, db, orders)
	}
	return orders, err
}

// readParts adds the parts and the sums of refunds to the orders.
func readParts(ctx context.Context, db Querier, orders map[string]facts) error {
	var (
		order, kind, id, status, currency, event string
		number                                   *int64
		at                                       time.Time
		data                                     json.RawMessage
		sum                                      int64
	)
	err := each(ctx, db, partsSQL, []any{&order, &kind, &id, &status, &number, &currency, &event, &at, &data}, func() {
		orders[order]["part "+kind+" "+id] = part(status, amount(number), currency, event, clock(at), canonical(data))
	})
	if err != nil {
		return err
	}
	return each(ctx, db, refundsSQL, []any{&order, &currency, &sum}, func() { orders[order]["refunded "+currency] = fmt.Sprint(sum) })
}

func each(ctx context.Context, db Querier, sql string, into []any, do func()) error {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		do()
		return nil
	})
	return err
}
