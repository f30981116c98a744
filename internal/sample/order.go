package sample

import (
	"hash/fnv"
	"strconv"
	"time"
)

// hash returns the number from which an order's contents follow. It depends only on the order's ID.
func (o Options) hash() int {
	h := fnv.New32a()
	h.Write([]byte(o.OrderID))
	return int(h.Sum32() >> 1)
}

func (o Options) number() string { return strconv.Itoa(1000 + o.hash()%9000) }

func (o Options) time(before time.Duration) string {
	return timestamp(o.At.Add(-before).Truncate(time.Second))
}

// money returns an amount in the order's currency: won, which have no minor unit, or dollars in cents.
func (o Options) money(amount int) map[string]any {
	currency := "KRW"
	if o.hash()%2 == 1 {
		currency = "USD"
	}
	return map[string]any{"amount": amount, "currency": currency}
}

// price returns the price of one item in minor units: 9,000 to 98,000 won, or 90.00 to 980.00 dollars.
func (o Options) price() int { return 1000 * (9 + o.hash()/2%90) }

func (o Options) quantity() int { return 1 + o.hash()/180%3 }

func (o Options) shipping() int { return 3000 }

func (o Options) total() int { return o.price()*o.quantity() + o.shipping() }

func (o Options) lines() []any {
	return []any{map[string]any{
		"id":         "line_1",
		"product_id": "prod_" + strconv.Itoa(100+o.hash()/540%50),
		"title":      "Canvas tote bag",
		"sku":        "TOTE-" + strconv.Itoa(100+o.hash()/540%50),
		"quantity":   o.quantity(),
		"unit_price": o.money(o.price()),
		"total":      o.money(o.price() * o.quantity()),
	}}
}

func (o Options) address() map[string]any {
	return map[string]any{
		"name": "Kim Sample", "line1": "1 Example-ro", "city": "Seoul", "postal_code": "04524", "country": "KR", "phone": "+82-2-555-0100",
	}
}

// fullOrder makes whole orders, as the platform sends them in that state.
func fullOrder(status, paymentStatus, fulfillmentStatus string) func(Options) map[string]any {
	return func(o Options) map[string]any {
		order := map[string]any{
			"id": o.OrderID, "number": 1000 + o.hash()%9000,
			"status": status, "payment_status": paymentStatus, "fulfillment_status": fulfillmentStatus,
			"customer_id": "cus_" + o.number(), "email": "customer" + o.number() + "@example.com",
			"shipping_address": o.address(), "billing_address": o.address(),
			"lines":    o.lines(),
			"subtotal": o.money(o.price() * o.quantity()), "discount_total": o.money(0),
			"shipping_total": o.money(o.shipping()), "tax_total": o.money(0),
			"total": o.money(o.total()), "refunded_total": o.money(0),
			"payments": []any{}, "fulfillments": []any{}, "refunds": []any{},
			"created_at": o.time(0), "cancelled_at": nil, "completed_at": nil,
		}
		if o.Type != "order.created" {
			order["created_at"] = o.time(10 * time.Minute)
		}
		switch {
		case o.Type == "payment.failed":
			order["payments"] = []any{payment("failed")(o)}
			order["error"] = map[string]any{"code": "card_declined", "message": "The card was declined."}
		case paymentStatus == "paid" || paymentStatus == "refunded":
			order["payments"] = []any{payment("completed")(o)}
		}
		switch status {
		case "completed":
			order["fulfillments"] = []any{fulfillment("delivered")(o)}
			order["completed_at"] = o.time(0)
		case "cancelled":
			order["refunds"] = []any{refund(o)}
			order["refunded_total"] = o.money(o.total())
			order["cancelled_at"] = o.time(0)
		}
		return order
	}
}

// excerpt makes orders of which the platform sends only one aspect.
func excerpt(field, value string) func(Options) map[string]any {
	return func(o Options) map[string]any {
		return map[string]any{"id": o.OrderID, "number": 1000 + o.hash()%9000, field: value}
	}
}

func payment(status string) func(Options) map[string]any {
	return func(o Options) map[string]any {
		return map[string]any{
			"id": "pay_" + o.OrderID, "order_id": o.OrderID, "provider": "toss", "provider_id": "toss_" + o.number(),
			"amount": o.money(o.total()), "status": status, "created_at": o.time(time.Minute),
		}
	}
}

func refund(o Options) map[string]any {
	// The ID is the event's, so that two refunds of an order are two.
	return map[string]any{
		"id": "ref_" + o.ID, "order_id": o.OrderID, "amount": o.money(o.total()), "reason": "customer_request",
		"restock": true, "status": "completed", "lines": []any{map[string]any{"line_id": "line_1", "quantity": o.quantity()}},
		"created_at": o.time(0),
	}
}

func fulfillment(status string) func(Options) map[string]any {
	return func(o Options) map[string]any {
		f := map[string]any{
			"id": "ful_" + o.OrderID, "order_id": o.OrderID, "status": status, "carrier": "CJ Logistics",
			"tracking_number": "5" + o.number() + "01", "tracking_url": "https://tracking.example.com/5" + o.number() + "01",
			"lines":      []any{map[string]any{"line_id": "line_1", "quantity": o.quantity()}},
			"created_at": o.time(time.Hour), "shipped_at": nil, "delivered_at": nil,
		}
		if status == "shipped" || status == "delivered" {
			f["shipped_at"] = o.time(0)
		}
		if status == "delivered" {
			f["shipped_at"], f["delivered_at"] = o.time(30*time.Minute), o.time(0)
		}
		return f
	}
}

func returned(status string) func(Options) map[string]any {
	return func(o Options) map[string]any {
		return map[string]any{
			"id": "ret_" + o.OrderID, "order_id": o.OrderID, "return_type": "refund", "status": status, "reason": "wrong_size",
			"lines":      []any{map[string]any{"line_id": "line_1", "quantity": 1}},
			"created_at": o.time(time.Hour), "updated_at": o.time(0),
		}
	}
}

func product(o Options) map[string]any {
	return map[string]any{"id": "prod_100", "title": "Canvas tote bag", "status": "active", "price": o.money(39000)}
}

func stock(available int) func(Options) map[string]any {
	return func(o Options) map[string]any {
		return map[string]any{"product_id": "prod_100", "sku": "TOTE-100", "available": available}
	}
}

func customer(o Options) map[string]any {
	return map[string]any{"id": "cus_" + o.number(), "email": "customer" + o.number() + "@example.com", "name": "Kim Sample"}
}
