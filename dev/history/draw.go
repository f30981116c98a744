package history

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// Draw generates a history of the order. The IDs of events and parts begin with the order's ID, so that orders can share a database.
func Draw(t *rapid.T, orderID string) []Event {
	history := rapid.SliceOfN(rapid.Custom(drawEvent), 1, 10).Draw(t, "history")
	// Some events repeat another event's content under a new ID.
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(history)-1), 0, 2).Draw(t, "told again") {
		history = append(history, history[i])
	}
	for i := range history {
		history[i] = history[i].of(orderID, fmt.Sprintf("%s:evt_%02d", orderID, i))
	}
	return history
}

// Deliveries returns the history as the network delivers it: in any order, with some events several times.
func Deliveries(t *rapid.T, history []Event) []Event {
	deliveries := slices.Clone(history)
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(history)-1), 0, 12).Draw(t, "delivered again") {
		deliveries = append(deliveries, history[i])
	}
	return rapid.Permutation(deliveries).Draw(t, "deliveries")
}

// WithActs returns the deliveries with people's acts on any of the events between them. Whatever people do, the order must end in the
// same state once every discarded event is replayed.
func WithActs(t *rapid.T, deliveries []Event, acts ...Act) []Event {
	steps := slices.Clone(deliveries)
	for range rapid.IntRange(0, 8).Draw(t, "acts") {
		e := rapid.SampledFrom(deliveries).Draw(t, "of")
		e.Act = rapid.SampledFrom(acts).Draw(t, "act")
		steps = slices.Insert(steps, rapid.IntRange(0, len(steps)).Draw(t, "at"), e)
	}
	return steps
}

// of returns a copy of the event with the given ID, about the order and that order's parts.
func (e Event) of(orderID, id string) Event {
	e.ID, e.OrderID = id, orderID
	own := func(p Part) Part {
		if p.ID != "" {
			p.ID = orderID + ":" + p.ID
		}
		return p
	}
	if e.Part != nil {
		p := own(*e.Part)
		e.Part = &p
	}
	lists := map[string]List{}
	for kind, list := range e.Lists {
		list.Parts = slices.Clone(list.Parts)
		for i, p := range list.Parts {
			list.Parts[i] = own(p)
		}
		lists[kind] = list
	}
	e.Lists = lists
	return e
}

func oneOf(t *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, label)
}

// drawEvent draws from few values, so that there are ties: sparse and full orders, parts with and without their own
// ID, undocumented types and statuses.
func drawEvent(t *rapid.T) Event {
	e := Event{Second: rapid.IntRange(0, 3).Draw(t, "second"), StoreID: oneOf(t, "store", "", "store_1")}
	if rapid.IntRange(0, 2).Draw(t, "about a part") == 0 {
		e.Type = oneOf(t, "type", "payment.created", "payment.completed", "payment.failed", "payment.unheard_of",
			"payment.refunded", "payment.refunded", "refund.created", "refund.completed", "refund.lost",
			"fulfillment.created", "fulfillment.shipped", "fulfillment.delivered", "return.requested", "return.completed", "return.lost")
		e.Part = &Part{ID: oneOf(t, "part", "", "part_1", "part_2"), Status: oneOf(t, "status", "", "", "pending", "completed", "cancelled", "unheard of", "odd")}
		e.Part.drawAmount(t, 5, 300, 0)
		return e
	}
	e.Type = oneOf(t, "type", "order.created", "order.created", "order.confirmed", "order.completed", "order.cancelled", "order.paid",
		"order.fulfilled", "order.updated", "order.updated", reconciled, reconciled, "order.unheard_of", "payment.completed", "product.updated")
	e.Status = oneOf(t, "status", "", "pending", "confirmed", "unheard of", "odd")
	e.Payment = oneOf(t, "payment", "", "unpaid", "paid", "unheard of")
	e.Fulfillment = oneOf(t, "fulfillment", "", "unfulfilled", "fulfilled", "odd")
	e.Full = rapid.IntRange(0, 3).Draw(t, "sparse") > 0 || e.Type == reconciled
	e.Lists = map[string]List{}
	for _, kind := range []string{"payment", "fulfillment", "refund", "return"} {
		if list := drawList(t); list != nil {
			e.Lists[kind] = *list
		}
	}
	return e
}

// drawList draws an absent, an unreadable, an empty, a partial or a complete list.
func drawList(t *rapid.T) *List {
	list := &List{}
	form := oneOf(t, "list", "absent", "absent", "null", "unreadable", "empty", "parts", "parts", "parts", "with what is none")
	switch form {
	case "absent":
		return nil
	case "null":
		list.Raw = "null"
	case "unreadable":
		list.Raw = oneOf(t, "unreadable", `{"data":[]}`, `"none"`, "7", "false")
	case "parts", "with what is none":
		for _, id := range []string{"part_1", "part_2"} {
			if status := oneOf(t, id, "", "pending", "completed", "completed", "cancelled", "odd"); status != "" {
				p := Part{ID: id, Status: status}
				p.drawAmount(t, 5, 300)
				list.Parts = append(list.Parts, p)
			}
		}
	}
	if form == "with what is none" {
		at := rapid.IntRange(0, len(list.Parts)).Draw(t, "place")
		list.Parts = slices.Insert(list.Parts, at, drawUnreadable(t))
	}
	return list
}

// drawUnreadable draws a list element that can't be read. Exception: without an amount, only a refund is unreadable.
func drawUnreadable(t *rapid.T) Part {
	p := Part{ID: "part_3", Status: "completed", Amount: 300, Currency: "KRW"}
	switch lacks := oneOf(t, "lacks", "id", "status", "amount", "all"); lacks {
	case "id":
		p.ID = ""
	case "status":
		p.Status = ""
	case "amount":
		p.Amount, p.Currency = 0, ""
	case "all":
		p.Raw = oneOf(t, "raw", "null", "7", `"part_3"`, "[]", "{}",
			`{"id":7,"status":"completed","amount":{"amount":300,"currency":"KRW"}}`,
			`{"id":"part_3","status":7,"amount":{"amount":300,"currency":"KRW"}}`,
			`{"id":"part_3","status":"completed","amount":300}`,
			`{"id":"part_3","status":"completed","amount":{"amount":"300","currency":"KRW"}}`)
	}
	return p
}

func (p *Part) drawAmount(t *rapid.T, amounts ...int64) {
	if p.Amount = rapid.SampledFrom(amounts).Draw(t, "amount"); p.Amount != 0 {
		p.Currency = oneOf(t, "currency", "KRW", "KRW", "USD")
	}
}
