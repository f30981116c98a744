// Package history generates histories of one order for tests, and computes the state in which the order must end. This
// oracle sorts the history by time, lets each event overwrite what came before, and takes the latest time as the clock.
// It uses the domain's types, but none of the code that it tests.
package history

import (
	"encoding/json"
	"time"
)

// Event is one event of the platform, before it is encoded as JSON. Empty fields are omitted from the JSON.
type Event struct {
	ID, Type, OrderID, StoreID   string
	Second                       int // after base; an order.reconciled is a microsecond earlier
	Status, Payment, Fulfillment string
	Full                         bool            // data has a number and a total
	Lists                        map[string]List // the order's parts, by kind
	Part                         *Part           // the content of data; nil if that is the order
	Act                          Act             // what a person does to the event; "" for a delivery
}

// Act is something that a person does to an event between the deliveries.
type Act string

const (
	Discard Act = "discard" // discard the event, unless it has ended
	Replay  Act = "replay"  // apply the event again, if it has ended
)

// List is one of an order's lists of parts.
type List struct {
	Raw   string // JSON in place of the list, which is not a list of parts; "" for Parts
	Parts []Part
}

// Part is a payment, fulfillment, refund or return. An empty ID, status or amount is omitted from the JSON.
type Part struct {
	Raw        string // JSON in place of the part, which is not a readable part; "" for the other fields
	ID, Status string
	Amount     int64
	Currency   string
}

// reconciled is the type of an event that inorder makes from an answer of the platform's API.
const reconciled = "order.reconciled"

var (
	base = time.Date(2025, 1, 15, 10, 0, 0, 0, time.UTC)

	// listOf maps a kind of part to the order's field that lists such parts.
	listOf = map[string]string{"payment": "payments", "fulfillment": "fulfillments", "refund": "refunds", "return": "returns"}
)

func (e Event) at() time.Time {
	at := base.Add(time.Duration(e.Second) * time.Second)
	if e.Type == reconciled {
		at = at.Add(-time.Microsecond)
	}
	return at
}

// Body returns the event's envelope as JSON, which is the body of its deliveries.
func (e Event) Body() []byte {
	envelope := fields{"id": e.ID, "type": e.Type, "created_at": e.at(), "data": e.data()}
	envelope.put("store_id", e.StoreID)
	return envelope.json()
}

func (e Event) data() json.RawMessage {
	if e.Part != nil {
		data := e.Part.fields()
		data["order_id"] = e.OrderID
		return data.json()
	}
	data := fields{"id": e.OrderID}
	data.put("status", e.Status)
	data.put("payment_status", e.Payment)
	data.put("fulfillment_status", e.Fulfillment)
	if e.Full {
		data["number"], data["total"] = e.ID, fields{"amount": e.Second, "currency": "KRW"}
	}
	for kind, list := range e.Lists {
		data[listOf[kind]] = list.json()
	}
	return data.json()
}

func (l List) json() json.RawMessage {
	if l.Raw != "" {
		return json.RawMessage(l.Raw)
	}
	parts := []json.RawMessage{} // not nil: an empty list must be [], not null
	for _, p := range l.Parts {
		parts = append(parts, p.json())
	}
	raw, _ := json.Marshal(parts)
	return raw
}

func (p Part) json() json.RawMessage {
	if p.Raw != "" {
		return json.RawMessage(p.Raw)
	}
	return p.fields().json()
}

func (p Part) fields() fields {
	f := fields{}
	f.put("id", p.ID)
	f.put("status", p.Status)
	if p.Amount != 0 {
		f["amount"] = fields{"amount": p.Amount, "currency": p.Currency}
	}
	return f
}

type fields map[string]any

func (f fields) put(key, value string) {
	if value != "" {
		f[key] = value
	}
}

func (f fields) json() json.RawMessage {
	raw, _ := json.Marshal(f) // can't fail: every value in f can be marshalled
	return raw
}
