package activities

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
)

// queueParts reads the parts that the change speaks of into the order, and all of its parts when it is compared with the
// platform's.
func queueParts(b *pgx.Batch, e inorder.Event, c inorder.Change, o *inorder.Order) {
	switch whole := e.Type == inorder.TypeReconciled; {
	case len(c.Parts) == 1 && !whole:
		b.Queue(selectPartSQL, c.Parts[0].Kind, c.Parts[0].ID).QueryRow(optional(func(row pgx.Row) error {
			p, err := scanPart(row)
			o.Parts = map[inorder.PartKey]inorder.Part{p.Key(): p}
			return err
		}))
	case len(c.Parts) > 0 || whole && c.OrderID != "":
		var orders, kinds, ids []string
		if whole {
			orders = []string{c.OrderID}
		}
		for _, p := range c.Parts {
			kinds, ids = append(kinds, p.Kind), append(ids, p.ID)
		}
		queueManyParts(b, orders, kinds, ids, func(p inorder.Part) { addPart(o, p) })
	}
}

func queueManyParts(b *pgx.Batch, orders, kinds, ids []string, each func(inorder.Part)) {
	b.Queue(selectPartsSQL, orders, kinds, ids).Query(eachRow(func(row pgx.Row) error {
		p, err := scanPart(row)
		each(p)
		return err
	}))
}

func eachRow(scan func(pgx.Row) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

func addPart(o *inorder.Order, p inorder.Part) {
	if o.Parts == nil {
		o.Parts = map[inorder.PartKey]inorder.Part{}
	}
	o.Parts[p.Key()] = p
}

// scanPart leaves out data, which is only ever replaced.
func scanPart(row pgx.Row) (p inorder.Part, err error) {
	err = row.Scan(&p.Kind, &p.ID, &p.OrderID, &p.Status, &p.Amount, &p.Currency, &p.EventID, &p.At)
	return p, err
}
