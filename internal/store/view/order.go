package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

// mostParts is how many parts of an order are shown.
const mostParts = 1_000

const (
	orderSQL = `
SELECT ` + orderColumns + `, data, data_at, data_event_id, status_at, payment_at, fulfillment_at,
       payments_listed_at, fulfillments_listed_at, refunds_listed_at, returns_listed_at
FROM orders WHERE id = @order`

	// The times are looked up again, because a batch does not know the result of an earlier statement. Several events may have the same time.
	settersSQL = `
SELECT event_id, payload FROM (SELECT * FROM webhook_events WHERE order_id = @order OFFSET 0) AS of_order
WHERE outcome = 'applied'
  AND occurred_at IN ((SELECT status_at FROM orders WHERE id = @order), (SELECT payment_at FROM orders WHERE id = @order), (SELECT fulfillment_at FROM orders WHERE id = @order))
ORDER BY processed_at, event_id LIMIT 20`

	partsSQL = `
SELECT kind, id, coalesce(status, ''), amount, coalesce(currency, ''), event_id, last_webhook_at, data
FROM (SELECT * FROM order_parts WHERE order_id = @order OFFSET 0) AS of_order ORDER BY kind, last_webhook_at, id LIMIT @most`

	refundsSQL = `SELECT coalesce(currency, ''), coalesce(refunded_amount, 0), refunds FROM order_refunds WHERE order_id = @order ORDER BY currency`

	heldUpSQL = `
SELECT (SELECT count(*) FROM (SELECT FROM pending_events WHERE order_id = @order LIMIT 10000) AS parked)
     + (SELECT count(*) FROM (SELECT FROM event_inbox WHERE order_id = @order LIMIT 10000) AS received)`
)

// Order returns an order with all that is known of it; found is false if there is none.
func (v *View) Order(ctx context.Context, id string) (o api.OrderView, found bool, err error) {
	if !storable(id) {
		return o, false, nil
	}
	o.Parts, o.Refunds = []api.Part{}, []api.Refunded{}
	clocks := orderClocks{listed: map[string]time.Time{}}
	var set []inorder.Event
	args := pgx.NamedArgs{"order": id, "most": mostParts}
	b := &pgx.Batch{}
	b.Queue(orderSQL, args).Query(store.EachRow(func(row pgx.Row) error {
		found = true
		return clocks.scan(row, &o)
	}))
	b.Queue(settersSQL, args).Query(store.EachRow(func(row pgx.Row) error {
		e, err := scanSetter(row)
		set = append(set, e)
		return err
	}))
	b.Queue(partsSQL, args).Query(store.EachRow(func(row pgx.Row) error {
		p, err := scanPart(row, clocks.listed)
		o.Parts = append(o.Parts, p)
		return err
	}))
	b.Queue(refundsSQL, args).Query(store.EachRow(func(row pgx.Row) error {
		var r api.Refunded
		err := row.Scan(&r.Currency, &r.Amount, &r.Refunds)
		o.Refunds = append(o.Refunds, r)
		return err
	}))
	b.Queue(heldUpSQL, args).QueryRow(func(row pgx.Row) error { return row.Scan(&o.Waiting) })
	if err := v.batch(ctx, b); err != nil {
		return o, false, fmt.Errorf("read order %s: %w", id, err)
	}
	o.Aspects = clocks.aspects(o, set)
	return o, found, nil
}

// orderClocks are the times that decide what an event changes of an order.
type orderClocks struct {
	status, payment, fulfillment *time.Time
	dataEvent                    string
	listed                       map[string]time.Time // by kind of part
}

func (c *orderClocks) scan(row pgx.Row, o *api.OrderView) error {
	kinds := [...]string{"payment", "fulfillment", "refund", "return"}
	var listed [len(kinds)]*time.Time
	fields := append(orderFields(&o.Order), &o.Data, &o.DataAt, &c.dataEvent, &c.status, &c.payment, &c.fulfillment, &listed[0], &listed[1], &listed[2], &listed[3])
	err := row.Scan(fields...)
	for i, kind := range kinds {
		if listed[i] != nil {
			c.listed[kind] = *listed[i]
		}
	}
	o.Order, o.DataAt = orderInUTC(o.Order), o.DataAt.UTC()
	return err
}

// aspects returns the order's aspects, each with the event that set it, if that event's row is still there. set are the applied
// events that have the time of an aspect, oldest end first. If several say the same at the same time, the first one set it.
func (c *orderClocks) aspects(o api.OrderView, set []inorder.Event) []api.Aspect {
	by := func(value string, at *time.Time, said func(inorder.Change) string) string {
		for _, e := range set {
			if change, err := e.Change(); err == nil && at != nil && e.OccurredAt.Equal(*at) && said(change) == value {
				return e.ID
			}
		}
		return ""
	}
	dataAt := o.DataAt
	return []api.Aspect{
		{Name: "status", Value: o.Status, At: utc(c.status), EventID: by(o.Status, c.status, func(c inorder.Change) string { return c.Status })},
		{Name: "payment_status", Value: o.PaymentStatus, At: utc(c.payment), EventID: by(o.PaymentStatus, c.payment, func(c inorder.Change) string { return c.PaymentStatus })},
		{Name: "fulfillment_status", Value: o.FulfillmentStatus, At: utc(c.fulfillment), EventID: by(o.FulfillmentStatus, c.fulfillment, func(c inorder.Change) string { return c.FulfillmentStatus })},
		{Name: "data", At: &dataAt, EventID: c.dataEvent},
	}
}

func scanSetter(row pgx.Row) (inorder.Event, error) {
	var id string
	var payload []byte
	if err := row.Scan(&id, &payload); err != nil {
		return inorder.Event{}, err
	}
	e, err := inorder.ParseEvent(payload)
	if err != nil { // it was one when it was applied; a person has changed the row
		return inorder.Event{}, nil
	}
	e.ID = id
	return e, nil
}

func scanPart(row pgx.Row, listed map[string]time.Time) (p api.Part, err error) {
	err = row.Scan(&p.Kind, &p.ID, &p.Status, &p.Amount, &p.Currency, &p.EventID, &p.LastWebhookAt, &p.Data)
	p.LastWebhookAt = p.LastWebhookAt.UTC()
	o := inorder.Order{Listed: listed}
	p.Counts = o.Counts(inorder.Part{Kind: p.Kind, ID: p.ID, KeyedByEvent: p.ID == p.EventID, At: p.LastWebhookAt})
	return p, err
}
