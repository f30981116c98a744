package store

import (
	"github.com/jackc/pgx/v5"

	"inorder"
)

const (
	partColumns = `kind, id, order_id, coalesce(status, ''), amount, coalesce(currency, ''), event_id, last_webhook_at`

	selectPartSQL = `SELECT ` + partColumns + ` FROM order_parts WHERE kind = $1 AND id = $2`

	// All parts of the orders $1, and those of the kinds $2 and IDs $3, whosever they are. A union, because no index
	// serves an OR of the two.
	selectPartsSQL = `
SELECT ` + partColumns + ` FROM order_parts WHERE order_id = ANY($1::text[])
UNION
SELECT ` + partColumns + ` FROM order_parts JOIN unnest($2::text[], $3::text[]) AS wanted(kind, id) USING (kind, id)`

	// Nothing at all, and so pgx.ErrNoRows, when the part turns out to be another order's.
	upsertPartSQL = `
INSERT INTO order_parts AS p (kind, id, order_id, status, amount, currency, data, event_id, last_webhook_at)
VALUES ($1, $2, $3, nullif($4, ''), $5, nullif($6, ''), $7, $8, $9)
ON CONFLICT (kind, id) DO UPDATE
SET status = excluded.status, amount = excluded.amount, currency = excluded.currency, data = excluded.data,
    event_id = excluded.event_id, last_webhook_at = excluded.last_webhook_at
WHERE p.order_id = excluded.order_id
RETURNING true`
)

// queueParts reads the parts that the event speaks of into the order, and all of its parts when it is compared with the
// platform's.
func queueParts(b *pgx.Batch, e Event, o *inorder.Order) {
	c := e.Change
	switch whole := e.Type == inorder.TypeReconciled; {
	case len(c.Parts) == 1 && !whole:
		b.Queue(selectPartSQL, c.Parts[0].Kind, c.Parts[0].ID).QueryRow(optional(func(row pgx.Row) error {
			p, err := scanPart(row)
			if err == nil {
				addPart(o, p)
			}
			return err
		}))
	case len(c.Parts) > 0 || whole && c.OrderID != "":
		var orders []string
		if whole {
			orders = []string{c.OrderID}
		}
		keys := make([]inorder.PartKey, len(c.Parts))
		for i, p := range c.Parts {
			keys[i] = p.Key()
		}
		queueManyParts(b, orders, keys, func(p inorder.Part) { addPart(o, p) })
	}
}

func queueManyParts(b *pgx.Batch, orders []string, keys []inorder.PartKey, each func(inorder.Part)) {
	kinds, ids := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		kinds[i], ids[i] = key.Kind, key.ID
	}
	b.Queue(selectPartsSQL, orders, kinds, ids).Query(eachRow(func(row pgx.Row) error {
		p, err := scanPart(row)
		each(p)
		return err
	}))
}

func queuePart(b *pgx.Batch, orderID string, p inorder.Part) {
	b.Queue(upsertPartSQL, p.Kind, p.ID, orderID, p.Status, p.Amount, p.Currency, storable(p.Data), p.EventID, p.At).
		QueryRow(func(row pgx.Row) error {
			var ours bool
			return row.Scan(&ours)
		})
}

func addPart(o *inorder.Order, p inorder.Part) {
	if o.Parts == nil {
		o.Parts = map[inorder.PartKey]inorder.Part{}
	}
	o.Parts[p.Key()] = p
}

// scanPart leaves out data, which is only ever replaced. A part whose ID is its event's had none of its own.
func scanPart(row pgx.Row) (p inorder.Part, err error) {
	err = row.Scan(&p.Kind, &p.ID, &p.OrderID, &p.Status, &p.Amount, &p.Currency, &p.EventID, &p.At)
	p.KeyedByEvent = p.ID == p.EventID
	return p, err
}
