package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
	"inorder/internal/words"
)

const (
	// Without data: the snapshot is only ever replaced, never read, and may be a megabyte.
	selectOrdersSQL = `
SELECT id, coalesce(store_id, ''), coalesce(status, ''), status_at, coalesce(payment_status, ''), payment_at,
       coalesce(fulfillment_status, ''), fulfillment_at, total_amount, coalesce(currency, ''), data_at, data_rank, data_event_id,
       last_webhook_at, payments_listed_at, fulfillments_listed_at, refunds_listed_at, returns_listed_at
FROM orders WHERE id = ANY($1)`

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

func scanOrder(row pgx.Row) (o inorder.Order, err error) {
	var status, payment, fulfillment stamp
	var listed [len(kinds)]stamp
	err = row.Scan(&o.ID, &o.StoreID, &o.Status.Value, &status, &o.PaymentStatus.Value, &payment,
		&o.FulfillmentStatus.Value, &fulfillment, &o.Snapshot.TotalAmount, &o.Snapshot.Currency, &o.Snapshot.At, &o.Snapshot.Rank, &o.Snapshot.EventID,
		&o.LastWebhookAt, &listed[0], &listed[1], &listed[2], &listed[3])
	o.Status.At, o.PaymentStatus.At, o.FulfillmentStatus.At = status.Time, payment.Time, fulfillment.Time
	for i, at := range listed {
		if !at.Valid {
			continue
		}
		if o.Listed == nil {
			o.Listed = map[string]time.Time{}
		}
		o.Listed[kinds[i]] = at.Time
	}
	return o, err
}

// queueOrders writes each order that changed, once.
func (t *transaction) queueOrders(b *pgx.Batch) {
	for _, id := range slices.Sorted(maps.Keys(t.changed)) {
		d := t.changed[id]
		o := &d.Order
		args := []any{o.ID, o.StoreID, o.Status.Value, nullTime(o.Status.At), o.PaymentStatus.Value, nullTime(o.PaymentStatus.At),
			o.FulfillmentStatus.Value, nullTime(o.FulfillmentStatus.At), o.LastWebhookAt}
		for _, kind := range kinds {
			args = append(args, nullTime(o.Listed[kind]))
		}
		if !d.NewSnapshot {
			b.Queue(updateAspectsSQL, args...)
			continue
		}
		s := o.Snapshot
		args = append(args, s.Number, s.TotalAmount, s.Currency, storable(s.Data), s.At, s.Rank, s.EventID)
		if d.Created {
			b.Queue(insertOrderSQL, args...)
		} else {
			b.Queue(updateOrderSQL, args...)
		}
	}
}

// If the waiting events name several stores, nobody knows which one is the order's.
const selectStoresSQL = `
SELECT order_id, min(payload->>'store_id') FROM pending_events
WHERE order_id = ANY($1) AND phase <> 'attention' AND payload->>'store_id' <> ''
GROUP BY order_id HAVING count(DISTINCT payload->>'store_id') = 1`

// Orders is what is known of several orders, at one moment.
type Orders struct {
	orders map[string]inorder.Order   // with those of their parts that were read
	owners map[inorder.PartKey]string // the order that a part belongs to
	stores map[string]string
}

func newOrders() Orders {
	return Orders{orders: map[string]inorder.Order{}, owners: map[inorder.PartKey]string{}}
}

// Store returns the store that the events waiting for the order name; "" if none waits, none names one, or they disagree.
func (k Orders) Store(id string) string { return k.stores[id] }

// Order returns what is known of one order: those of its parts that were read, and the parts of keys, whichever order has them.
func (k Orders) Order(id string, keys []inorder.PartKey) inorder.Order {
	o, own := k.orders[id], true
	for _, key := range keys {
		owner, known := k.owners[key]
		if !known || owner == id {
			continue
		}
		if own {
			o.Parts, own = maps.Clone(o.Parts), false
		}
		if o.Parts == nil {
			o.Parts = map[inorder.PartKey]inorder.Part{}
		}
		o.Parts[key] = k.orders[owner].Parts[key]
	}
	return o
}

// set replaces an order, but not its parts.
func (k Orders) set(o inorder.Order) {
	o.Parts = k.orders[o.ID].Parts
	k.orders[o.ID] = o
}

func (k Orders) addPart(p inorder.Part) {
	o := k.orders[p.OrderID]
	if o.Parts == nil {
		o.Parts = map[inorder.PartKey]inorder.Part{}
		k.orders[p.OrderID] = o
	}
	o.Parts[p.Key()] = p
	k.owners[p.Key()] = p.OrderID
}

// queue reads the orders, all parts of those in whole, and the parts of keys, whichever order has them. It may
// read a few parts more, which does no harm.
func (k Orders) queue(b *pgx.Batch, orders, whole []string, keys []inorder.PartKey) {
	if len(orders) > 0 {
		b.Queue(selectOrdersSQL, orders).Query(EachRow(func(row pgx.Row) error {
			o, err := scanOrder(row)
			k.set(o)
			return err
		}))
	}
	part := EachRow(func(row pgx.Row) error {
		p, err := scanPart(row)
		k.addPart(p)
		return err
	})
	if len(keys) > 0 {
		var kinds, ids []string
		for _, key := range keys {
			if ids = append(ids, key.ID); !slices.Contains(kinds, key.Kind) {
				kinds = append(kinds, key.Kind)
			}
		}
		b.Queue(selectPartsSQL, kinds, ids).Query(part)
	}
	if len(whole) > 0 {
		b.Queue(selectPartsOfSQL, whole).Query(part)
	}
}

// ReadOrders reads the orders with all of their parts, and the given parts, whichever order has them.
func (s *Store) ReadOrders(ctx context.Context, ids []string, parts []inorder.PartKey) (Orders, error) {
	k, b := newOrders(), &pgx.Batch{}
	k.stores = map[string]string{}
	k.queue(b, ids, ids, parts)
	b.Queue(selectStoresSQL, ids).Query(EachRow(func(row pgx.Row) error {
		var id, store string
		err := row.Scan(&id, &store)
		k.stores[id] = store
		return err
	}))
	if err := s.read(ctx, b); err != nil {
		return Orders{}, fmt.Errorf("read %s: %w", words.Count(len(ids), "order"), err)
	}
	return k, nil
}
