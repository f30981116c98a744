// Package history makes up histories of one order, for tests, and says what the order must be in the end. It shares no
// code with what it tests: it sorts the history by time, and whatever comes last overwrites.
package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"inorder"
)

// Event is one event as the platform would tell it, before it is JSON.
type Event struct {
	ID, Type, OrderID            string
	Second                       int
	Status, Payment, Fulfillment string // in data, where it is not empty
	Full                         bool
	PartID                       string // the event is about a part
	PartStatus                   string
	Holds                        []Held // the parts in a full order
}

// Held is a part as a full order holds it.
type Held struct{ Kind, ID, Status string }

func (h Held) json() json.RawMessage {
	raw, _ := json.Marshal(map[string]any{"id": h.ID, "status": h.Status, "amount": map[string]any{"amount": 5, "currency": "KRW"}})
	return raw
}

var base = time.Date(2025, 1, 15, 10, 0, 0, 0, time.UTC)

func (e Event) at() time.Time { return base.Add(time.Duration(e.Second) * time.Second) }

func (e Event) data() json.RawMessage {
	data := map[string]any{"id": e.OrderID}
	put := func(key, value string) {
		if value != "" {
			data[key] = value
		}
	}
	if e.PartID != "" {
		data = map[string]any{"id": e.PartID, "order_id": e.OrderID, "amount": map[string]any{"amount": 5, "currency": "KRW"}}
		put("status", e.PartStatus)
	} else {
		put("status", e.Status)
		put("payment_status", e.Payment)
		put("fulfillment_status", e.Fulfillment)
		if e.Full {
			data["number"], data["total"] = e.ID, map[string]any{"amount": e.Second, "currency": "KRW"}
		}
		for kind, field := range heldIn {
			list := []json.RawMessage{}
			for _, h := range e.Holds {
				if h.Kind == kind {
					list = append(list, h.json())
				}
			}
			if len(e.Holds) > 0 {
				data[field] = list
			}
		}
	}
	raw, _ := json.Marshal(data)
	return raw
}

var heldIn = map[string]string{"payment": "payments", "fulfillment": "fulfillments", "refund": "refunds"}

// Body is the envelope.
func (e Event) Body() []byte {
	raw, _ := json.Marshal(map[string]any{"id": e.ID, "type": e.Type, "created_at": e.at(), "data": e.data(), "store_id": "store_1"})
	return raw
}

// telling draws events of one order: several types, few times so that there are ties, full and sparse ones, parts,
// types and values that nobody has documented.
func telling() *rapid.Generator[Event] {
	return rapid.Custom(func(t *rapid.T) Event {
		e := Event{Second: rapid.IntRange(0, 2).Draw(t, "second")}
		oneOf := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
		if rapid.IntRange(0, 3).Draw(t, "about a part") == 0 {
			e.Type = oneOf("type", "payment.completed", "payment.failed", "payment.refunded", "refund.created",
				"fulfillment.shipped", "fulfillment.delivered", "return.requested", "return.lost")
			e.PartID = oneOf("part", "part_1", "part_2")
			e.PartStatus = oneOf("part status", "", "", "pending", "completed", "cancelled", "unheard of", "odd")
			return e
		}
		e.Type = oneOf("type", "order.created", "order.created", "order.confirmed", "order.completed", "order.cancelled", "order.paid",
			"order.fulfilled", "order.updated", "order.reconciled", "order.reconciled", "order.unheard_of", "payment.completed", "product.updated")
		e.Status = oneOf("status", "", "pending", "confirmed", "unheard of", "odd")
		e.Payment = oneOf("payment", "", "unpaid", "paid", "unheard of")
		e.Fulfillment = oneOf("fulfillment", "", "unfulfilled", "fulfilled", "odd")
		e.Full = rapid.Bool().Draw(t, "full") || e.Type == "order.reconciled"
		if e.Full {
			for _, kind := range []string{"payment", "fulfillment", "refund"} {
				if status := oneOf(kind, "", "", "pending", "completed", "cancelled", "odd"); status != "" {
					e.Holds = append(e.Holds, Held{kind, oneOf("part", "part_1", "part_2"), status})
				}
			}
		}
		return e
	})
}

// Draw makes up a history of the order. Event and part IDs begin with the order's, so that several orders share a database.
func Draw(t *rapid.T, orderID string) []Event {
	history := rapid.SliceOfN(telling(), 1, 10).Draw(t, "history")
	// Some events say the same as another under an ID of their own.
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(history)-1), 0, 2).Draw(t, "told again") {
		history = append(history, history[i])
	}
	for i := range history {
		history[i].OrderID, history[i].ID = orderID, fmt.Sprintf("%s:evt_%02d", orderID, i)
		if history[i].PartID != "" {
			history[i].PartID = orderID + ":" + history[i].PartID
		}
		history[i].Holds = slices.Clone(history[i].Holds) // one that is told again has the same
		for j := range history[i].Holds {
			history[i].Holds[j].ID = orderID + ":" + strings.TrimPrefix(history[i].Holds[j].ID, orderID+":")
		}
	}
	return history
}

// Deliveries is the history as the network delivers it: in any order, some events several times.
func Deliveries(t *rapid.T, history []Event) []Event {
	deliveries := slices.Clone(history)
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(history)-1), 0, 12).Draw(t, "delivered again") {
		deliveries = append(deliveries, history[i])
	}
	return rapid.Permutation(deliveries).Draw(t, "deliveries")
}

// Final is what the order must be in the end; the zero Order if nothing creates it. Snapshot.Rank is left out: it is how
// the code measures which snapshot wins, and not part of what it must end in.
func Final(history []Event) inorder.Order {
	if !slices.ContainsFunc(history, creates) {
		return inorder.Order{}
	}
	o := inorder.Order{ID: history[0].OrderID}
	last := func(dst *inorder.Aspect, lifecycle string, value func(Event) string) {
		for _, e := range sorted(history, func(e Event) string { return place(lifecycle, value(e)) + value(e) }) {
			if v := value(e); v != "" {
				*dst = inorder.Aspect{Value: v, At: e.at()}
			}
		}
	}
	last(&o.Status, statusLife, statusOf)
	last(&o.PaymentStatus, paymentLife, paymentOf)
	last(&o.FulfillmentStatus, fulfillmentLife, fulfillmentOf)

	further := func(e Event) string {
		return place(statusLife, e.Status) + place(paymentLife, e.Payment) + place(fulfillmentLife, e.Fulfillment) + e.ID
	}
	for _, e := range sorted(history, further) {
		if !carriesTheOrder(e) {
			continue
		}
		o.Snapshot = inorder.Snapshot{StoreID: "store_1", Data: e.data(), At: e.at(), EventID: e.ID}
		if e.Full {
			amount := int64(e.Second)
			o.Snapshot.Number, o.Snapshot.TotalAmount, o.Snapshot.Currency = e.ID, &amount, "KRW"
		}
	}
	told := partsTold(history)
	slices.SortFunc(told, func(a, b inorder.Part) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(place(partLife[a.Kind], a.Status)+a.EventID, place(partLife[b.Kind], b.Status)+b.EventID))
	})
	for _, p := range told {
		if o.Parts == nil {
			o.Parts = map[inorder.PartKey]inorder.Part{}
		}
		o.Parts[p.Key()] = p
	}
	for _, e := range history {
		says := e.PartID != "" || creates(e) || statusOf(e)+paymentOf(e)+fulfillmentOf(e) != ""
		if says && e.at().After(o.LastWebhookAt) {
			o.LastWebhookAt = e.at()
		}
	}
	return o
}

const (
	statusLife      = "draft pending confirmed processing completed cancelled"
	paymentLife     = "unpaid awaiting_payment partially_paid paid partially_refunded refunded"
	fulfillmentLife = "unfulfilled partially_fulfilled fulfilled returned"
)

var partLife = map[string]string{
	"payment":     "pending failed cancelled completed refunded",
	"fulfillment": "pending shipped delivered cancelled",
	"refund":      "pending failed completed",
	"return":      "requested approved rejected received completed cancelled",
}

// place is a letter that sorts like the value's place in its lifecycle: "a" for none.
func place(lifecycle, value string) string {
	return string(rune('b' + slices.Index(strings.Fields(lifecycle), value)))
}

// sorted is the history by time, and within a second by what comes later there.
func sorted(history []Event, within func(Event) string) []Event {
	return slices.SortedFunc(slices.Values(history), func(a, b Event) int {
		return cmp.Or(a.at().Compare(b.at()), strings.Compare(within(a), within(b)))
	})
}

func creates(e Event) bool { return e.Type == "order.created" || e.Type == "order.reconciled" }

// carriesTheOrder tells the full orders.
func carriesTheOrder(e Event) bool {
	return aboutTheOrder(e) && (creates(e) || e.Full && e.Status != "")
}

// partsTold are all states of all parts that the history tells.
func partsTold(history []Event) (told []inorder.Part) {
	amount := int64(5)
	tell := func(e Event, kind, id, status string, data json.RawMessage) {
		told = append(told, inorder.Part{Kind: kind, ID: id, OrderID: e.OrderID, Status: status, Amount: &amount, Currency: "KRW",
			Data: data, At: e.at(), EventID: e.ID})
	}
	for _, e := range history {
		if e.PartID != "" {
			kind, status := partOf(e)
			tell(e, kind, e.PartID, status, e.data())
		}
		for _, h := range e.Holds {
			if carriesTheOrder(e) && (h.Kind == "payment" || e.Type == "order.reconciled") {
				tell(e, h.Kind, h.ID, h.Status, h.json())
			}
		}
	}
	return told
}

func aboutTheOrder(e Event) bool { return e.PartID == "" && e.Type != "product.updated" }

func statusOf(e Event) string {
	return spoken(e, e.Status, map[string]string{"order.confirmed": "confirmed", "order.completed": "completed", "order.cancelled": "cancelled"})
}

func paymentOf(e Event) string {
	return spoken(e, e.Payment, map[string]string{"order.paid": "paid"})
}

func fulfillmentOf(e Event) string {
	return spoken(e, e.Fulfillment, map[string]string{"order.fulfilled": "fulfilled"})
}

func spoken(e Event, inData string, byType map[string]string) string {
	if !aboutTheOrder(e) {
		return ""
	}
	return cmp.Or(inData, byType[e.Type])
}

func partOf(e Event) (kind, status string) {
	kind, verb, _ := strings.Cut(e.Type, ".")
	byType := map[string]string{"payment.refunded": "completed", "refund.created": "pending", "return.lost": ""}
	if e.Type == "payment.refunded" {
		kind = "refund"
	}
	implied, special := byType[e.Type]
	if !special {
		implied = verb
	}
	return kind, cmp.Or(e.PartStatus, implied)
}
