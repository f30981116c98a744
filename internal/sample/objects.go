package sample

import "time"

func payment(status string) func(Options) map[string]any {
	return func(o Options) map[string]any {
		return map[string]any{
			"id": "pay_" + o.OrderID, "order_id": o.OrderID, "provider": "toss", "provider_id": "toss_" + o.number(),
			"amount": o.money(o.total()), "status": status, "created_at": o.time(time.Minute),
		}
	}
}

func refund(o Options) map[string]any {
	// Named after the event, so that two refunds of an order are two.
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
