package inorder_test

import (
	"fmt"
	"strings"

	"inorder"
)

func ExampleParseEvent() {
	e, err := inorder.ParseEvent([]byte(`{"id":"evt_1","type":"order.paid","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_1"}}`))
	if err != nil {
		fmt.Println("answer 400:", err)
		return
	}
	fmt.Println(e.ID, e.Type, e.OrderID(), e.OccurredAt)

	_, err = inorder.ParseEvent([]byte(`{"id":"evt_1","data":{}}`))
	fmt.Println("answer 400:", err)
	// Output:
	// evt_1 order.paid order_1 2025-01-15 10:30:00 +0000 UTC
	// answer 400: type is missing
}

// A cancellation overtakes a payment and a confirmation. The payment is about another aspect and applies; the
// confirmation is stale.
func ExampleOrder_Apply() {
	var order inorder.Order
	for _, body := range []string{
		`{"id":"evt_1","type":"order.created","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1","status":"pending"}}`,
		`{"id":"evt_2","type":"order.cancelled","created_at":"2025-01-15T10:05:00Z","data":{"id":"order_1"}}`,
		`{"id":"evt_3","type":"order.paid","created_at":"2025-01-15T10:02:00Z","data":{"id":"order_1"}}`,
		`{"id":"evt_4","type":"order.confirmed","created_at":"2025-01-15T10:03:00Z","data":{"id":"order_1"}}`,
	} {
		e, err := inorder.ParseEvent([]byte(body))
		if err != nil {
			panic(err)
		}
		change, err := e.Change()
		if err != nil {
			panic(err)
		}
		d := order.Apply(change)
		order = d.Order
		fmt.Println(strings.TrimSpace(fmt.Sprint(e.Type, ": ", d.Outcome, " ", d.Detail)))
	}
	fmt.Println(order.Status.Value, order.PaymentStatus.Value)
	// Output:
	// order.created: applied
	// order.cancelled: applied
	// order.paid: applied
	// order.confirmed: stale status has been "cancelled" since 2025-01-15T10:05:00Z
	// cancelled paid
}

// A payment arrives before its order. The decision says that it waits; once the order is created, the same event applies.
func ExampleOrder_Apply_waiting() {
	change := func(body string) inorder.Change {
		e, err := inorder.ParseEvent([]byte(body))
		if err != nil {
			panic(err)
		}
		c, err := e.Change()
		if err != nil {
			panic(err)
		}
		return c
	}
	paid := change(`{"id":"evt_2","type":"order.paid","created_at":"2025-01-15T10:02:00Z","data":{"id":"order_1"}}`)
	created := change(`{"id":"evt_1","type":"order.created","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1","status":"pending"}}`)

	var missing inorder.Order
	d := missing.Apply(paid)
	fmt.Println("order.paid:", d.Outcome, d.Detail)
	d = missing.Apply(created)
	fmt.Println("order.created:", d.Outcome, d.Created)
	d = d.Order.Apply(paid)
	fmt.Println("order.paid:", d.Outcome, d.Order.Status.Value, d.Order.PaymentStatus.Value)
	d = d.Order.Apply(paid)
	fmt.Println("order.paid again:", d.Outcome, d.Detail)
	// Output:
	// order.paid: waiting its order has not been created yet
	// order.created: applied true
	// order.paid: applied pending paid
	// order.paid again: stale payment_status has been "paid" since 2025-01-15T10:02:00Z
}

// An event says new values for some aspects of its order, and may carry parts.
func ExampleEvent_Change() {
	for _, body := range []string{
		`{"id":"evt_1","type":"order.paid","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_1"}}`,
		`{"id":"evt_2","type":"payment.refunded","created_at":"2025-01-15T10:31:00Z","data":{"id":"re_1","order_id":"order_1","status":"completed","amount":{"amount":300,"currency":"KRW"}}}`,
		`{"id":"evt_3","type":"product.updated","created_at":"2025-01-15T10:32:00Z","data":{"id":"prod_1"}}`,
	} {
		e, err := inorder.ParseEvent([]byte(body))
		if err != nil {
			panic(err)
		}
		c, err := e.Change()
		if err != nil {
			fmt.Println("a person must look at it:", err)
			continue
		}
		if c.Empty() {
			fmt.Println(e.Type + ": nothing about orders")
			continue
		}
		fmt.Printf("%s: order %q, payment %q", e.Type, c.OrderID, c.PaymentStatus)
		for _, p := range c.Parts {
			fmt.Printf(", %s %s %s %d %s", p.Kind, p.ID, p.Status, *p.Amount, p.Currency)
		}
		fmt.Println()
	}
	// Output:
	// order.paid: order "order_1", payment "paid"
	// payment.refunded: order "order_1", payment "", refund re_1 completed 300 KRW
	// product.updated: nothing about orders
}

// A refund without an ID of its own counts until a full order lists the refunds. The list has it under the platform's ID.
func ExampleOrder_Counts() {
	var order inorder.Order
	for _, body := range []string{
		`{"id":"evt_1","type":"order.created","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1"}}`,
		`{"id":"evt_2","type":"payment.refunded","created_at":"2025-01-15T10:01:00Z","data":{"order_id":"order_1"}}`,
		`{"id":"evt_3","type":"order.updated","created_at":"2025-01-15T10:02:00Z","data":{"id":"order_1","status":"confirmed","lines":[],
			"refunds":[{"id":"re_1","status":"completed","amount":{"amount":300,"currency":"KRW"}}]}}`,
	} {
		e, _ := inorder.ParseEvent([]byte(body))
		change, _ := e.Change()
		order = order.Apply(change).Order
		for _, id := range []string{"evt_2", "re_1"} {
			if p, known := order.Parts[inorder.PartKey{Kind: "refund", ID: id}]; known {
				fmt.Println(e.Type, id, order.Counts(p))
			}
		}
	}
	// Output:
	// payment.refunded evt_2 true
	// order.updated evt_2 false
	// order.updated re_1 true
}
