package platform

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Order is an order as the platform has it. Its fields are parsed only where it is compared, so that a field of another kind than
// documented spoils that order and not its page.
type Order struct {
	ID  string          // "" if the JSON is not an object, or its id not a string
	Raw json.RawMessage // the order's JSON, byte for byte, so that no number is rounded

	Reading
}

// UnmarshalJSON accepts any JSON.
func (o *Order) UnmarshalJSON(raw []byte) error {
	*o = Order{Raw: bytes.Clone(raw)}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) == nil {
		_ = json.Unmarshal(fields["id"], &o.ID)
	}
	return nil
}

// OrderFilter selects orders; a zero field does not restrict.
type OrderFilter struct {
	ListOptions
	Status, PaymentStatus, FulfillmentStatus string
	CreatedAfter, CreatedBefore              time.Time // whether the bounds are inclusive is not documented
	Query                                    string    // what it searches is not documented
}

func (f OrderFilter) query() url.Values {
	q := f.ListOptions.query()
	set(q, "status", f.Status)
	set(q, "payment_status", f.PaymentStatus)
	set(q, "fulfillment_status", f.FulfillmentStatus)
	set(q, "created_after", timestamp(f.CreatedAfter))
	set(q, "created_before", timestamp(f.CreatedBefore))
	set(q, "q", f.Query)
	return q
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

const orders = "/admin/orders"

// GetOrder returns the order as it is now.
func (c *Client) GetOrder(ctx context.Context, id string) (o Order, err error) {
	o.Reading, err = c.send(ctx, http.MethodGet, orders+"/"+url.PathEscape(id), nil, nil, &o)
	return o, err
}

// ListOrders returns one page. To continue later, keep its NextCursor.
func (c *Client) ListOrders(ctx context.Context, f OrderFilter) (page Page[Order], err error) {
	page.Reading, err = c.send(ctx, http.MethodGet, orders, f.query(), nil, &page)
	for i := range page.Data {
		page.Data[i].Reading = page.Reading
	}
	return page, err
}

// Orders returns all orders that the filter selects, page after page, from StartingAfter on. An error is the last element.
func (c *Client) Orders(ctx context.Context, f OrderFilter) iter.Seq2[Order, error] {
	f.Limit = cmp.Or(f.Limit, maxLimit)
	return all(f.StartingAfter, func(cursor string) (Page[Order], error) {
		f.StartingAfter = cursor
		return c.ListOrders(ctx, f)
	})
}
