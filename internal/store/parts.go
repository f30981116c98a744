package store

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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

	// It writes one row less for each part that turns out to be another order's.
	upsertPartsSQL = `
INSERT INTO order_parts AS p (kind, id, order_id, status, amount, currency, data, event_id, last_webhook_at)
SELECT kind, id, $1, nullif(status, ''), amount, nullif(currency, ''), data::jsonb, event_id, at
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
     AS told(kind, id, status, amount, currency, data, event_id, at)
ON CONFLICT (kind, id) DO UPDATE
SET status = excluded.status, amount = excluded.amount, currency = excluded.currency, data = excluded.data,
    event_id = excluded.event_id, last_webhook_at = excluded.last_webhook_at
WHERE p.order_id = excluded.order_id`
)

// errForeignPart says that a part went to another order since it was read. The next run reads it there.
var errForeignPart = errors.New("a part was taken by another order at the same time")

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

// queueUpserts writes parts in one statement. Of several states of one part the last is kept: an order that tells a part
// twice tells it in the order in which the decision was made.
func queueUpserts(b *pgx.Batch, orderID string, parts []inorder.Part) {
	last := map[inorder.PartKey]int{}
	for i, p := range parts {
		last[p.Key()] = i
	}
	var rows struct {
		kind, id, status, currency, data, event []string
		amount                                  []*int64
		at                                      []time.Time
	}
	for i, p := range parts {
		if last[p.Key()] != i {
			continue
		}
		rows.kind, rows.id, rows.status = append(rows.kind, p.Kind), append(rows.id, p.ID), append(rows.status, p.Status)
		rows.amount, rows.currency = append(rows.amount, p.Amount), append(rows.currency, p.Currency)
		rows.data, rows.event, rows.at = append(rows.data, string(storable(p.Data))), append(rows.event, p.EventID), append(rows.at, p.At)
	}
	if len(last) == 0 {
		return
	}
	b.Queue(upsertPartsSQL, orderID, rows.kind, rows.id, rows.status, rows.amount, rows.currency, rows.data, rows.event, rows.at).
		Exec(func(written pgconn.CommandTag) error {
			if written.RowsAffected() != int64(len(last)) {
				return errForeignPart
			}
			return nil
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
