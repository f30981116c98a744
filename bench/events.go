package main

import (
	"time"

	"inorder/bench/peers"
	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// posting is one delivery, ready to be posted.
type posting struct {
	body      []byte
	signature string
}

func newPosting(o sample.Options) posting {
	body := sample.Event(o)
	return posting{body, delivery.Sign(peers.Secret, body)}
}

// newOrders returns the order.created of n new orders, about a kilobyte each.
func newOrders(n int) []posting {
	all := make([]posting, n)
	for i := range all {
		all[i] = newPosting(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
	}
	return all
}

// paymentsFirst returns the order.paid of n/2 orders, and then their order.created.
func paymentsFirst(n int) []posting {
	var payments, creations []posting
	for i, d := range pairs(n) {
		if i%2 == 0 {
			payments = append(payments, d)
		} else {
			creations = append(creations, d)
		}
	}
	return append(payments, creations...)
}

// pairs returns order.paid, then order.created, of each of n/2 orders, all of the same second.
func pairs(n int) []posting {
	at := time.Now().Truncate(time.Second) // the platform's times have whole seconds
	var all []posting
	for range n / 2 {
		order := sample.NewID("order_")
		all = append(all, newPosting(sample.Options{Type: "order.paid", OrderID: order, At: at}), newPosting(sample.Options{Type: "order.created", OrderID: order, At: at}))
	}
	return all
}

// later is how many groups of histories lie between an order's creation and its later events. These groups have more deliveries
// than there are senders, so that the order usually exists by then.
const later = 16

// histories returns deliveries of n different events, ten for each group of five orders. Half of the events are for existing orders.
// One in ten is out of order: in every other group an order's completion comes before its confirmation; in the other groups an order
// is paid before it is created, so that the event must wait. One event in ten is delivered twice.
func histories(n int) []posting {
	groups := max(n/10, 1)
	created, followed := make([][]posting, groups), make([][]posting, groups)
	for g := range groups {
		created[g], followed[g] = history(g%2 == 0)
	}
	var all []posting
	for g := range groups + later {
		if g < groups {
			all = append(all, created[g]...)
		}
		if g >= later {
			all = append(all, followed[g-later]...)
		}
	}
	return all
}

// history returns one group: what is delivered when the orders are created, and what is delivered later.
func history(stale bool) (created, followed []posting) {
	at := time.Now().Add(-time.Minute).Truncate(time.Second) // the platform's times have whole seconds
	var orders [5]string
	for i := range orders {
		orders[i] = sample.NewID("order_")
		created = append(created, newPosting(sample.Options{Type: "order.created", OrderID: orders[i], At: at}))
	}
	event := func(order int, eventType string, after time.Duration) posting {
		return newPosting(sample.Options{Type: eventType, OrderID: orders[order], At: at.Add(after)})
	}
	confirmed, completed := event(0, "order.confirmed", time.Second), event(0, "order.completed", 2*time.Second)
	early, paid := event(1, "order.paid", time.Second), event(2, "order.paid", time.Second)
	shipped := event(3, "fulfillment.shipped", time.Second)
	again := created[4]
	if stale {
		return created, []posting{completed, confirmed, early, paid, shipped, again}
	}
	return append([]posting{early}, created...), []posting{confirmed, completed, paid, shipped, again}
}
