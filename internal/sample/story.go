package sample

import "time"

// Story is a small history of one order, as a network may deliver it.
type Story struct {
	Name  string // as in `inorder send --story`
	Shows string // one line
	// Steps returns the deliveries, in the order in which they are made. The events have new IDs each time, and happened in
	// the minutes before now.
	Steps func(orderID string, now time.Time) []Step
	Next  string // what to try afterwards; ORDER and EVENT stand for the order's ID and the last event's
}

// Step is one delivery.
type Step struct {
	Note  string  // what is special about it
	Event Options // with an ID and a time

	Body         []byte // instead of the event's, if not nil
	BadSignature bool
	Refused      int // the status that the receiver must answer; 0 if it must take the delivery
}

// Stories lists the stories, the best introduction first.
func Stories() []Story {
	return []Story{
		{
			Name:  "out-of-order",
			Shows: "before its order, duplicated, reordered, stale: the order ends right",
			Steps: outOfOrder,
			Next:  "inorder send order.cancelled --order ORDER",
		},
		{
			Name:  "refunds",
			Shows: "two refunds, the second delivered first and again at the end: they add up",
			Steps: refunds,
			Next:  "inorder send payment.refunded --order ORDER",
		},
		{
			Name:  "waiting",
			Shows: "an event whose order never comes: it waits for the order, or for a signal",
			Steps: waiting,
			Next: "inorder send order.created --order ORDER --at -10m      # release it, or:\n" +
				"temporal workflow query  --workflow-id EVENT --type state\n" +
				"temporal workflow signal --workflow-id EVENT --name discard --input '{\"reason\":\"a test\",\"actor\":\"me\"}'",
		},
		{
			Name:  "attention",
			Shows: "events that need a person: without an order's ID, and dated far ahead",
			Steps: attention,
			Next: "temporal workflow list   --query 'EventPhase=\"attention\" AND ExecutionStatus=\"Running\"'\n" +
				"temporal workflow query  --workflow-id EVENT --type state\n" +
				"temporal workflow signal --workflow-id EVENT --name discard --input '{\"reason\":\"a test\",\"actor\":\"me\"}'",
		},
		{
			Name:  "refused",
			Shows: "what the receiver refuses, and what it accepts and ignores",
			Steps: refused,
		},
	}
}

// history makes the events of one order.
type history struct {
	orderID string
	now     time.Time
}

func (h history) event(eventType string, ago time.Duration) Options {
	return Options{Type: eventType, ID: NewID("evt_"), At: h.now.Add(-ago).Truncate(time.Second), OrderID: h.orderID}
}

func outOfOrder(orderID string, now time.Time) []Step {
	h := history{orderID, now}
	created := h.event("order.created", 10*time.Minute)
	paid := h.event("order.paid", 9*time.Minute)
	confirmed := h.event("order.confirmed", 8*time.Minute)
	shipped := h.event("fulfillment.shipped", 7*time.Minute)
	fulfilled := h.event("order.fulfilled", 6*time.Minute)
	completed := h.event("order.completed", 5*time.Minute)
	return []Step{
		{Note: "before its order: it waits", Event: paid},
		{Note: "creates the order, and releases what waited", Event: created},
		{Note: "the same delivery again: a duplicate", Event: created},
		{Note: "about the fulfillment, ahead of earlier events", Event: fulfilled},
		{Note: "reordered: older, but about the status", Event: confirmed},
		{Note: "the newest: the whole order, with its parts", Event: completed},
		{Note: "stale: the shipment is already delivered", Event: shipped},
		{Note: "the same delivery again, long applied: a duplicate", Event: paid},
	}
}

func refunds(orderID string, now time.Time) []Step {
	h := history{orderID, now}
	refund := func(amount int, ago time.Duration) Options {
		o := h.event("payment.refunded", ago)
		o.Data = map[string]any{"amount": o.money(amount)}
		return o
	}
	first, second := refund(4000, 5*time.Minute), refund(2500, 4*time.Minute)
	return []Step{
		{Note: "creates the order", Event: h.event("order.created", 10*time.Minute)},
		{Note: "it is paid", Event: h.event("order.confirmed", 9*time.Minute)},
		{Note: "the second refund, 2500, arrives first", Event: second},
		{Note: "the first refund, 4000: older, and it counts", Event: first},
		{Note: "the second one again: it must not count twice", Event: second},
	}
}

func waiting(orderID string, now time.Time) []Step {
	h := history{orderID, now}
	return []Step{{Note: "its order does not exist: it waits", Event: h.event("fulfillment.shipped", time.Minute)}}
}

func attention(orderID string, now time.Time) []Step {
	h := history{orderID, now}
	nameless := h.event("order.updated", time.Minute)
	nameless.Data = map[string]any{"id": nil}
	return []Step{
		{Note: "an order event without the order's ID", Event: nameless},
		{Note: "dated 100 years ahead: it would freeze the order", Event: h.event("order.created", -100*365*24*time.Hour)},
	}
}

func refused(orderID string, now time.Time) []Step {
	h := history{orderID, now}
	typeless := h.event("order.created", time.Minute)
	typeless.Type = ""
	return []Step{
		{Note: "a wrong signature", Event: h.event("order.created", time.Minute), BadSignature: true, Refused: 401},
		{Note: "signed, but not a JSON object", Body: []byte(`["order.created"]`), Refused: 400},
		{Note: "signed, but without a type", Event: typeless, Body: []byte(`{"id":"` + typeless.ID + `","data":{}}`), Refused: 400},
		{Note: "not about orders: accepted, recorded, ignored", Event: h.event("product.updated", time.Minute)},
	}
}
