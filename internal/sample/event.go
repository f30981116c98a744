// Package sample makes realistic webhook events, and the stories of `inorder send`. Only internal/send and its command link it,
// beside tests and benchmarks. It does no I/O. What an order costs and holds follows from its ID, so all its events agree.
package sample

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// StoreID is the store of every sample.
const StoreID = "store_demo"

// Options describe an event. An empty field gets a made-up value.
type Options struct {
	ID      string // 1-64 characters of A-Za-z0-9._:-; default: a new one, evt_…
	Type    string // any; a documented one gets the data that the platform sends with it
	OrderID string
	At      time.Time      // default: now
	Data    map[string]any // overrides fields of the type's data; nil removes a field
}

// Event returns the body of an event, as the platform sends it. The same options, with an ID and a time, give the same bytes.
func Event(o Options) []byte {
	if o.ID == "" {
		o.ID = NewID("evt_")
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	body, err := json.Marshal(struct {
		ID        string         `json:"id"`
		Type      string         `json:"type"`
		CreatedAt string         `json:"created_at"`
		Data      map[string]any `json:"data"`
		StoreID   string         `json:"store_id"`
	}{o.ID, o.Type, timestamp(o.At), o.data(), StoreID})
	if err != nil {
		panic(fmt.Sprintf("sample: Data of event %s has no form in JSON: %v", o.ID, err))
	}
	return body
}

// NewID returns a unique ID: the prefix, and 80 random bits.
func NewID(prefix string) string { return prefix + strings.ToLower(rand.Text()[:16]) }

// timestamp returns a time to the microsecond, which is what PostgreSQL keeps.
func timestamp(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

func (o Options) data() map[string]any {
	dataOf, known := types[o.Type]
	if !known {
		dataOf = guess(o.Type)
	}
	data := dataOf(o)
	for key, value := range o.Data {
		if value == nil {
			delete(data, key)
		} else {
			data[key] = value
		}
	}
	return data
}

// types has the function that makes the data, for each event type that the platform documents.
var types = map[string]func(Options) map[string]any{
	"order.created":   fullOrder("pending", "unpaid", "unfulfilled"),
	"order.updated":   fullOrder("confirmed", "paid", "unfulfilled"),
	"order.confirmed": fullOrder("confirmed", "paid", "unfulfilled"),
	"order.completed": fullOrder("completed", "paid", "fulfilled"),
	"order.cancelled": fullOrder("cancelled", "refunded", "unfulfilled"),
	"order.paid":      excerpt("payment_status", "paid"),
	"order.fulfilled": excerpt("fulfillment_status", "fulfilled"),

	"payment.created":   payment("pending"),
	"payment.completed": fullOrder("confirmed", "paid", "unfulfilled"),
	"payment.failed":    fullOrder("pending", "awaiting_payment", "unfulfilled"),
	"payment.refunded":  refund,

	"fulfillment.created":   fulfillment("pending"),
	"fulfillment.shipped":   fulfillment("shipped"),
	"fulfillment.delivered": fulfillment("delivered"),
	"return.requested":      returned("requested"),
	"return.completed":      returned("completed"),

	"product.created":        product,
	"product.updated":        product,
	"product.deleted":        product,
	"inventory.low":          stock(3),
	"inventory.out_of_stock": stock(0),
	"customer.created":       customer,
	"customer.updated":       customer,
}

// guess makes the data of a type that is not in types, as its family usually has it.
func guess(eventType string) func(Options) map[string]any {
	family, status, _ := strings.Cut(eventType, ".")
	switch family {
	case "order":
		return fullOrder("confirmed", "paid", "unfulfilled")
	case "payment":
		return payment(status)
	case "fulfillment":
		return fulfillment(status)
	case "refund":
		return refund
	case "return":
		return returned(status)
	}
	return func(o Options) map[string]any { return map[string]any{"id": family + "_" + o.number()} }
}
