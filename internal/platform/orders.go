package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Order is an order as the platform has it: what reconciliation decides by, and the whole as it was sent.
type Order struct {
	ID                string
	Number            string // the documents have an integer and the SDK a string: the digits either way
	Status            string
	PaymentStatus     string
	FulfillmentStatus string
	CreatedAt         time.Time // zero if it is missing or no RFC 3339 time

	Raw json.RawMessage // the order's JSON, byte for byte, so that no number is rounded

	Reading // when the platform looked
}

// UnmarshalJSON accepts unknown fields, and a number of either kind.
func (o *Order) UnmarshalJSON(raw []byte) error {
	var f struct {
		ID                string          `json:"id"`
		Number            json.RawMessage `json:"number"`
		Status            string          `json:"status"`
		PaymentStatus     string          `json:"payment_status"`
		FulfillmentStatus string          `json:"fulfillment_status"`
		CreatedAt         string          `json:"created_at"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	*o = Order{ID: f.ID, Status: f.Status, PaymentStatus: f.PaymentStatus, FulfillmentStatus: f.FulfillmentStatus, Raw: bytes.Clone(raw)}
	if json.Unmarshal(f.Number, &o.Number) != nil {
		o.Number = string(f.Number)
	}
	o.CreatedAt, _ = time.Parse(time.RFC3339, f.CreatedAt)
	return nil
}

// OrderFilter picks orders; what is zero does not restrict.
type OrderFilter struct {
	ListOptions
	Status, PaymentStatus, FulfillmentStatus string
	CreatedAfter, CreatedBefore              time.Time // whether the bounds themselves count is not documented
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

// GetOrder gives the order as it is now.
func (c *Client) GetOrder(ctx context.Context, id string) (Order, error) {
	var o Order
	seen, err := c.send(ctx, http.MethodGet, orders+"/"+url.PathEscape(id), nil, nil, &o)
	o.Reading = seen
	return o, err
}

// ListOrders gives one page. To go on later, keep its NextCursor.
func (c *Client) ListOrders(ctx context.Context, f OrderFilter) (Page[Order], error) {
	var page Page[Order]
	seen, err := c.send(ctx, http.MethodGet, orders, f.query(), nil, &page)
	page.Reading = seen
	for i := range page.Data {
		page.Data[i].Reading = seen
	}
	return page, err
}

// Orders goes through all orders that the filter picks, page after page, from its StartingAfter on. An error is its
// last element.
func (c *Client) Orders(ctx context.Context, f OrderFilter) iter.Seq2[Order, error] {
	if f.Limit == 0 {
		f.Limit = maxLimit
	}
	return all(f.StartingAfter, func(cursor string) (Page[Order], error) {
		f.StartingAfter = cursor
		return c.ListOrders(ctx, f)
	})
}
