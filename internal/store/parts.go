package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"inorder"
)

const (
	// Without data, which is only ever replaced.
	selectParts      = `SELECT kind, id, order_id, coalesce(status, ''), amount, coalesce(currency, ''), event_id, last_webhook_at FROM order_parts `
	selectPartsSQL   = selectParts + `WHERE kind = ANY($1) AND id = ANY($2)`
	selectPartsOfSQL = selectParts + `WHERE order_id = ANY($1)`

	// It skips a part that turns out to be another order's, and then writes one row less.
	upsertPartsSQL = `
INSERT INTO order_parts AS p (kind, id, order_id, status, amount, currency, data, event_id, last_webhook_at)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::text[]),
       unnest($7::jsonb[]), unnest($8::text[]), unnest($9::timestamptz[])
ON CONFLICT (kind, id) DO UPDATE
SET status = excluded.status, amount = excluded.amount, currency = excluded.currency, data = excluded.data,
    event_id = excluded.event_id, last_webhook_at = excluded.last_webhook_at
WHERE p.order_id = excluded.order_id`
)

// errForeignPart says that another order took a part since it was read. The next run reads it there.
var errForeignPart = errors.New("another order took a part at the same time")

// queueParts writes each part that the events carried, once, in its last state.
func (t *transaction) queueParts(b *pgx.Batch) {
	if len(t.parts) == 0 {
		return
	}
	slices.SortFunc(t.parts, func(a, b inorder.PartKey) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	parts := make([]inorder.Part, 0, len(t.parts))
	for _, key := range slices.Compact(t.parts) {
		parts = append(parts, t.known.orders[t.known.owners[key]].Parts[key])
	}
	type part = inorder.Part
	b.Queue(upsertPartsSQL,
		column(parts, func(p *part) string { return p.Kind }),
		column(parts, func(p *part) string { return p.ID }),
		column(parts, func(p *part) string { return p.OrderID }),
		column(parts, func(p *part) text { return nullText(p.Status) }),
		column(parts, func(p *part) *int64 { return p.Amount }),
		column(parts, func(p *part) text { return nullText(p.Currency) }),
		column(parts, func(p *part) json.RawMessage { return storable(p.Data) }),
		column(parts, func(p *part) string { return p.EventID }),
		column(parts, func(p *part) time.Time { return p.At }),
	).Exec(func(written pgconn.CommandTag) error {
		if written.RowsAffected() != int64(len(parts)) {
			return errForeignPart
		}
		return nil
	})
}

// scanPart reads a part without its data. A part whose ID is its event's had none of its own.
func scanPart(row pgx.Row) (p inorder.Part, err error) {
	err = row.Scan(&p.Kind, &p.ID, &p.OrderID, &p.Status, &p.Amount, &p.Currency, &p.EventID, &p.At)
	p.KeyedByEvent = p.ID == p.EventID
	return p, err
}
