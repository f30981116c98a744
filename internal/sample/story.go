package sample

import "time"

// Story is a small history of one order, and the way the network makes of it.
type Story struct {
	Name  string // as in `inorder send --story`
	Shows string // one line
	// Tell gives the deliveries, in the order in which they are made. The events have fresh IDs, and happened in the
	// minutes before now.
	Tell func(orderID string, now time.Time) []Step
	Next string // what to try afterwards; ORDER and EVENT stand for the order's ID and the last event's
}

// Step is one delivery.
type Step struct {
	Says  string  // what is special about it
	Event Options // with an ID and a time

	Body         []byte // instead of the event's, if not nil
	BadSignature bool
	Refused      int // the status that a delivery is answered that must not be accepted; 0 for 200
}

// Stories lists the stories, the most telling first.
func Stories() []Story {
	return []Story{
		{
			Name:  "out-of-order",
			Shows: "before its order, duplicated, reordered, stale: the order ends right",
			Tell:  outOfOrder,
			Next:  "inorder send order.cancelled --order ORDER",
		},
		{
			Name:  "refunds",
			Shows: "two refunds, the second delivered first and again at the end: they add up",
			Tell:  refunds,
			Next:  "inorder send payment.refunded --order ORDER",
		},
		{
			Name:  "waiting",
			Shows: "an event whose order never comes: it waits for the order, or for a signal",
			Tell:  waiting,
			Next: "inorder send order.created --order ORDER --at -10m      # release it, or:\n" +
				"temporal workflow query  --workflow-id EVENT --type state\n" +
				"temporal workflow signal --workflow-id EVENT --name discard --input '{\"reason\":\"a test\",\"actor\":\"me\"}'",
		},
		{
			Name:  "attention",
			Shows: "events that need a person: without an order's ID, and dated far ahead",
			Tell:  attention,
			Next: "temporal workflow list   --query 'EventPhase=\"attention\" AND ExecutionStatus=\"Running\"'\n" +
				"temporal workflow query  --workflow-id EVENT --type state\n" +
				"temporal workflow signal --workflow-id EVENT --name discard --input '{\"reason\":\"a test\",\"actor\":\"me\"}'",
		},
		{
			Name:  "refused",
			Shows: "what the receiver does not take, and what it takes and ignores",
			Tell:  refused,
		},
	}
}

// teller makes the events of one order.
type teller struct {
	orderID string
	now     time.Time
}

func (t teller) event(eventType string, ago time.Duration) Options {
	return Options{Type: eventType, ID: NewID("evt_"), At: t.now.Add(-ago).Truncate(time.Second), OrderID: t.orderID}
}

func outOfOrder(orderID string, now time.Time) []Step {
	t := teller{orderID, now}
	created := t.event("order.created", 10*time.Minute)
	paid := t.event("order.paid", 9*time.Minute)
	confirmed := t.event("order.confirmed", 8*time.Minute)
	shipped := t.event("fulfillment.shipped", 7*time.Minute)
	fulfilled := t.event("order.fulfilled", 6*time.Minute)
	completed := t.event("order.completed", 5*time.Minute)
	return []Step{
		{Says: "before its order: it waits", Event: paid},
		{Says: "creates the order, and releases what waited", Event: created},
		{Says: "the same delivery again: a duplicate", Event: created},
		{Says: "about the fulfillment, before what it follows", Event: fulfilled},
		{Says: "reordered: older, but about the status", Event: confirmed},
		{Says: "the newest: the whole order, with its parts", Event: completed},
		{Says: "stale: the shipment is known as delivered", Event: shipped},
		{Says: "the same delivery again, long applied: a duplicate", Event: paid},
	}
}

func refunds(orderID string, now time.Time) []Step {
	t := teller{orderID, now}
	refund := func(amount int, ago time.Duration) Options {
		o := t.event("payment.refunded", ago)
		o.Data = map[string]any{"amount": o.money(amount)}
		return o
	}
	first, second := refund(4000, 5*time.Minute), refund(2500, 4*time.Minute)
	return []Step{
		{Says: "creates the order", Event: t.event("order.created", 10*time.Minute)},
		{Says: "it is paid", Event: t.event("order.confirmed", 9*time.Minute)},
		{Says: "the second refund, 2500, arrives first", Event: second},
		{Says: "the first refund, 4000: older, and it counts", Event: first},
		{Says: "the second one again: it must not count twice", Event: second},
	}
}

func waiting(orderID string, now time.Time) []Step {
	t := teller{orderID, now}
	return []Step{{Says: "its order does not exist: it waits", Event: t.event("fulfillment.shipped", time.Minute)}}
}

func attention(orderID string, now time.Time) []Step {
	t := teller{orderID, now}
	nameless := t.event("order.updated", time.Minute)
	nameless.Data = map[string]any{"id": nil}
	return []Step{
		{Says: "an order event without the order's ID", Event: nameless},
		{Says: "dated 100 years ahead: it would freeze the order", Event: t.event("order.created", -100*365*24*time.Hour)},
	}
}

func refused(orderID string, now time.Time) []Step {
	t := teller{orderID, now}
	typeless := t.event("order.created", time.Minute)
	typeless.Type = ""
	return []Step{
		{Says: "a wrong signature", Event: t.event("order.created", time.Minute), BadSignature: true, Refused: 401},
		{Says: "signed, but not a JSON object", Body: []byte(`["order.created"]`), Refused: 400},
		{Says: "signed, but without a type", Event: typeless, Body: []byte(`{"id":"` + typeless.ID + `","data":{}}`), Refused: 400},
		{Says: "not about orders: taken, recorded, ignored", Event: t.event("product.updated", time.Minute)},
	}
}
