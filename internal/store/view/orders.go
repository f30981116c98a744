package view

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder/internal/api"
	"inorder/internal/store"
)

// The statements about lists of orders walk, select and stop like those about events. The beginning of an ID or a number
// is found by two indexes, which both compare bytes, whatever the collation; the first @most rows of each are looked at.
const (
	orderColumns = `id, coalesce(store_id, ''), coalesce(number, ''), coalesce(status, ''), coalesce(payment_status, ''), coalesce(fulfillment_status, ''),
       total_amount, coalesce(currency, ''), last_webhook_at, created_at, updated_at`

	ordersSQL = `
SELECT ` + orderColumns + `, matches, place = @look FROM (
	SELECT *, row_number() OVER () AS place, ((@status::text = '' OR status = @status) AND (@payment::text = '' OR payment_status = @payment)
		AND (@fulfillment::text = '' OR fulfillment_status = @fulfillment) AND (@store::text = '' OR store_id = @store)) IS TRUE AS matches FROM (
		SELECT id, id COLLATE "C" AS key, store_id, number, status, payment_status, fulfillment_status, total_amount, currency, last_webhook_at, created_at, updated_at FROM `
	ordersNext = ` (updated_at, id COLLATE "C") < (@at::timestamptz, @id::text) AND updated_at >= @since::timestamptz
		ORDER BY updated_at DESC, id COLLATE "C" DESC LIMIT @look) AS walk
	ORDER BY updated_at DESC, key DESC
) AS o WHERE matches OR place = @look ORDER BY updated_at DESC, key DESC LIMIT @limit`

	ordersByTimeSQL = ordersSQL + `orders WHERE` + ordersNext
	ordersByTextSQL = ordersSQL + `(
			SELECT * FROM orders WHERE id = ANY(ARRAY(
				(SELECT id FROM orders WHERE id LIKE @prefix::text LIMIT @most) UNION (SELECT id FROM orders WHERE number LIKE @prefix::text LIMIT @most)
			)) OFFSET 0) AS named WHERE` + ordersNext
)

// beginOfMost is how many orders a page looks at whose ID begins with a text, and as many whose number does; others are not found.
const beginOfMost = 1_000

// Orders returns a page of the orders that the query selects, newest change first. Its error is ErrCursor for a malformed cursor.
func (v *View) Orders(ctx context.Context, q api.OrdersQuery) (api.Page[api.Order], error) {
	after, err := ParseCursor(q.Cursor)
	page := api.Page[api.Order]{Data: []api.Order{}}
	if err != nil || !storable(q.Status+q.PaymentStatus+q.FulfillmentStatus+q.StoreID+q.Q) {
		return page, err
	}
	sql, args := ordersByTimeSQL, between(after, q.UpdatedAfter, q.UpdatedBefore)
	args["status"], args["payment"], args["fulfillment"], args["store"] = q.Status, q.PaymentStatus, q.FulfillmentStatus, q.StoreID
	args["look"], args["limit"] = max(lookAt, q.Limit+1), q.Limit+1
	if q.Q != "" {
		sql, args["prefix"], args["most"] = ordersByTextSQL, likeEscaper.Replace(q.Q)+"%", beginOfMost
	}
	var looked Position
	b := &pgx.Batch{}
	b.Queue(sql, args).Query(store.EachRow(func(row pgx.Row) error {
		o, matches, last, err := scanOrder(row)
		if matches {
			page.Data = append(page.Data, o)
		}
		if last || len(page.Data) == q.Limit+1 {
			looked = Position{o.UpdatedAt, o.ID}
		}
		return err
	}))
	if err := v.batch(ctx, b); err != nil {
		return page, fmt.Errorf("list orders: %w", err)
	}
	if len(page.Data) > q.Limit {
		page.Data = page.Data[:q.Limit]
		looked = Position{page.Data[q.Limit-1].UpdatedAt, page.Data[q.Limit-1].ID}
	}
	page.NextCursor = looked.Cursor()
	return page, nil
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func scanOrder(row pgx.Row) (o api.Order, matches, last bool, err error) {
	err = row.Scan(append(orderFields(&o), &matches, &last)...)
	return orderInUTC(o), matches, last, err
}

// orderFields returns where orderColumns go.
func orderFields(o *api.Order) []any {
	return []any{&o.ID, &o.StoreID, &o.Number, &o.Status, &o.PaymentStatus, &o.FulfillmentStatus, &o.TotalAmount, &o.Currency,
		&o.LastWebhookAt, &o.CreatedAt, &o.UpdatedAt}
}

func orderInUTC(o api.Order) api.Order {
	for _, at := range []*time.Time{&o.LastWebhookAt, &o.CreatedAt, &o.UpdatedAt} {
		*at = at.UTC()
	}
	return o
}
