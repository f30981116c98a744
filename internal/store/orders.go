package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

const (
	// Not data: the snapshot is only ever replaced, never read, and may be a megabyte.
	orderColumns = `
       id, coalesce(store_id, ''), coalesce(status, ''), status_at, coalesce(payment_status, ''), payment_at,
       coalesce(fulfillment_status, ''), fulfillment_at, total_amount, coalesce(currency, ''), data_at, data_rank, data_event_id,
       last_webhook_at, payments_listed_at, fulfillments_listed_at, refunds_listed_at, returns_listed_at`

	selectOrderSQL = `SELECT` + orderColumns + ` FROM orders WHERE id = $1`

	selectOrdersSQL = `SELECT` + orderColumns + ` FROM orders WHERE id = ANY($1)`

	insertOrderSQL = `
INSERT INTO orders (id, store_id, status, status_at, payment_status, payment_at, fulfillment_status, fulfillment_at, last_webhook_at,
                    payments_listed_at, fulfillments_listed_at, refunds_listed_at, returns_listed_at,
                    number, total_amount, currency, data, data_at, data_rank, data_event_id)
VALUES ($1, nullif($2, ''), nullif($3, ''), $4, nullif($5, ''), $6, nullif($7, ''), $8, $9, $10, $11, $12, $13,
        nullif($14, ''), $15, nullif($16, ''), $17, $18, $19, $20)`

	setAspects = `
UPDATE orders SET store_id = nullif($2, ''), status = nullif($3, ''), status_at = $4, payment_status = nullif($5, ''), payment_at = $6,
       fulfillment_status = nullif($7, ''), fulfillment_at = $8, last_webhook_at = $9, updated_at = now(),
       payments_listed_at = $10, fulfillments_listed_at = $11, refunds_listed_at = $12, returns_listed_at = $13`

	updateAspectsSQL = setAspects + `
WHERE id = $1`

	updateOrderSQL = setAspects + `,
       number = nullif($14, ''), total_amount = $15, currency = nullif($16, ''), data = $17, data_at = $18, data_rank = $19, data_event_id = $20
WHERE id = $1`
)

// kinds are the kinds of parts in the order of the columns *_listed_at.
var kinds = [...]string{"payment", "fulfillment", "refund", "return"}

func scanOrder(row pgx.Row, o *inorder.Order) error {
	var status, payment, fulfillment *time.Time
	var listed [len(kinds)]*time.Time
	err := row.Scan(&o.ID, &o.StoreID, &o.Status.Value, &status, &o.PaymentStatus.Value, &payment,
		&o.FulfillmentStatus.Value, &fulfillment, &o.Snapshot.TotalAmount, &o.Snapshot.Currency, &o.Snapshot.At, &o.Snapshot.Rank, &o.Snapshot.EventID,
		&o.LastWebhookAt, &listed[0], &listed[1], &listed[2], &listed[3])
	o.Status.At, o.PaymentStatus.At, o.FulfillmentStatus.At = timeOf(status), timeOf(payment), timeOf(fulfillment)
	for i, at := range listed {
		if at == nil {
			continue
		}
		if o.Listed == nil {
			o.Listed = map[string]time.Time{}
		}
		o.Listed[kinds[i]] = *at
	}
	return err
}

func queueOrder(b *pgx.Batch, d inorder.Decision) {
	o := d.Order
	args := []any{o.ID, o.StoreID, o.Status.Value, nullTime(o.Status.At), o.PaymentStatus.Value, nullTime(o.PaymentStatus.At),
		o.FulfillmentStatus.Value, nullTime(o.FulfillmentStatus.At), o.LastWebhookAt}
	for _, kind := range kinds {
		args = append(args, nullTime(o.Listed[kind]))
	}
	if !d.NewSnapshot {
		b.Queue(updateAspectsSQL, args...)
		return
	}
	s := o.Snapshot
	args = append(args, s.Number, s.TotalAmount, s.Currency, storable(s.Data), s.At, s.Rank, s.EventID)
	if d.Created {
		b.Queue(insertOrderSQL, args...)
	} else {
		b.Queue(updateOrderSQL, args...)
	}
}

// Of events of several stores nobody knows which is the order's.
const selectStoresSQL = `
SELECT order_id, min(payload->>'store_id') FROM pending_events
WHERE order_id = ANY($1) AND phase <> 'attention' AND payload->>'store_id' <> ''
GROUP BY order_id HAVING count(DISTINCT payload->>'store_id') = 1`

// Orders is what is known of several orders, at one moment.
type Orders struct {
	orders map[string]inorder.Order // without parts
	stores map[string]string
	parts  map[inorder.PartKey]inorder.Part
}

// Store is the store of an event that waits for the order; "" if none does, none names one, or they disagree.
func (k Orders) Store(id string) string { return k.stores[id] }

// Order is what is known of one order: all of its parts, and those of keys, whosever they are.
func (k Orders) Order(id string, keys []inorder.PartKey) inorder.Order {
	o := k.orders[id]
	for _, p := range k.parts {
		if p.OrderID == id {
			addPart(&o, p)
		}
	}
	for _, key := range keys {
		if p, known := k.parts[key]; known {
			addPart(&o, p)
		}
	}
	return o
}

// ReadOrders reads what is known of the orders, of all their parts, and of those parts.
func (s *Store) ReadOrders(ctx context.Context, ids []string, parts []inorder.PartKey) (Orders, error) {
	k := Orders{map[string]inorder.Order{}, map[string]string{}, map[inorder.PartKey]inorder.Part{}}
	b := &pgx.Batch{}
	b.Queue(selectOrdersSQL, ids).Query(eachRow(func(row pgx.Row) error {
		var o inorder.Order
		err := scanOrder(row, &o)
		k.orders[o.ID] = o
		return err
	}))
	b.Queue(selectStoresSQL, ids).Query(eachRow(func(row pgx.Row) error {
		var id, store string
		err := row.Scan(&id, &store)
		k.stores[id] = store
		return err
	}))
	queueManyParts(b, ids, parts, func(p inorder.Part) { k.parts[p.Key()] = p })
	if err := s.read(ctx, b); err != nil {
		return Orders{}, fmt.Errorf("read %d orders: %w", len(ids), err)
	}
	return k, nil
}
