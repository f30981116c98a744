// Package sample makes realistic events of invented orders, for trying and testing. It does no I/O, and nobody in it exists.
package sample

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
)

// Options say what is asked of an event. What is empty is made up.
type Options struct {
	ID      string // default: a new one, evt_…
	Type    string // such as "order.paid"
	OrderID string
	At      time.Time      // default: now, to the microsecond
	Data    map[string]any // laid over the data that the type would have; nil removes a field
}

// StoreID is the store of every sample.
const StoreID = "store_demo"

// Event returns the body of an event, as the platform would send it.
func Event(o Options) []byte {
	if o.ID == "" {
		o.ID = NewID("evt_")
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	data := dataOf(o)
	for key, value := range o.Data {
		if value == nil {
			delete(data, key)
		} else {
			data[key] = value
		}
	}
	body, err := json.Marshal(map[string]any{
		"id": o.ID, "type": o.Type, "created_at": timestamp(o.At), "data": data, "store_id": StoreID,
	})
	if err != nil {
		panic(err) // only for an override that JSON has no form for
	}
	return body
}

// NewID returns a new ID with that prefix.
func NewID(prefix string) string { return prefix + strings.ToLower(rand.Text()[:16]) }

func timestamp(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

func dataOf(o Options) map[string]any {
	family, verb, _ := strings.Cut(o.Type, ".")
	switch {
	case o.Type == "order.paid":
		return map[string]any{"id": o.OrderID, "payment_status": "paid"}
	case o.Type == "order.fulfilled":
		return map[string]any{"id": o.OrderID, "fulfillment_status": "fulfilled"}
	case family == "order":
		return order(o, verb)
	case o.Type == "payment.refunded", family == "refund":
		return map[string]any{"id": NewID("ref_"), "order_id": o.OrderID, "amount": money(13000), "reason": "damaged", "restock": true,
			"status": "completed", "lines": []any{map[string]any{"line_id": "line_2", "quantity": 1}}, "created_at": timestamp(o.At)}
	case family == "payment":
		return map[string]any{"id": "pay_" + o.OrderID, "order_id": o.OrderID, "provider": "demo_pay", "provider_id": "ch_" + o.OrderID,
			"amount": money(78000), "status": paymentStatus(verb), "created_at": timestamp(o.At)}
	case family == "fulfillment":
		return map[string]any{"id": "ful_" + o.OrderID, "order_id": o.OrderID, "status": fulfillmentStatus(verb), "carrier": "demo_post",
			"tracking_number": "0000 1111 2222", "lines": []any{map[string]any{"line_id": "line_1", "quantity": 1}}, "created_at": timestamp(o.At)}
	case family == "return":
		return map[string]any{"id": "ret_" + o.OrderID, "order_id": o.OrderID, "return_type": "refund", "status": verb, "reason": "size",
			"lines": []any{map[string]any{"line_id": "line_1", "quantity": 1}}, "created_at": timestamp(o.At)}
	}
	return map[string]any{"id": NewID(family + "_")}
}

func order(o Options, verb string) map[string]any {
	status, payment, fulfillment := "pending", "unpaid", "unfulfilled"
	switch verb {
	case "confirmed", "cancelled":
		status, payment = verb, "paid"
	case "completed":
		status, payment, fulfillment = verb, "paid", "fulfilled"
	}
	return map[string]any{
		"id": o.OrderID, "number": 1001, "status": status, "payment_status": payment, "fulfillment_status": fulfillment,
		"customer_id": "cus_demo", "email": "buyer@example.com",
		"shipping_address": map[string]any{"name": "Demo Buyer", "line1": "1 Example Street", "city": "Seoul", "country": "KR"},
		"lines": []any{
			map[string]any{"id": "line_1", "title": "Canvas bag", "quantity": 1, "unit_price": money(52000)},
			map[string]any{"id": "line_2", "title": "Enamel cup", "quantity": 2, "unit_price": money(13000)},
		},
		"subtotal": money(78000), "discount_total": money(0), "shipping_total": money(0), "tax_total": money(7091),
		"total": money(78000), "refunded_total": money(0),
		"payments": []any{}, "fulfillments": []any{}, "refunds": []any{}, "created_at": timestamp(o.At),
	}
}

func money(amount int) map[string]any { return map[string]any{"amount": amount, "currency": "KRW"} }

func paymentStatus(verb string) string {
	if verb == "created" {
		return "pending"
	}
	return verb
}

func fulfillmentStatus(verb string) string { return paymentStatus(verb) }

// Types are those that the platform documents, or shows in samples, about orders.
var Types = []string{
	"order.created", "order.confirmed", "order.paid", "order.updated", "order.fulfilled", "order.completed", "order.cancelled",
	"payment.created", "payment.completed", "payment.failed", "payment.refunded",
	"fulfillment.created", "fulfillment.shipped", "fulfillment.delivered", "return.requested", "return.completed",
}
