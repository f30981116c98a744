// Package history makes up histories of one order, for tests, and says what the order must be in the end. The oracle
// sorts the history by time, lets every event overwrite, and takes the greatest time for a clock. It uses the domain's
// types, and none of the code that it tests.
package history

import (
	"encoding/json"
	"time"
)

// Event is one event as the platform would send it, before it is JSON. Empty fields are left out there.
type Event struct {
	ID, Type, OrderID, StoreID   string
	Second                       int // after base; an order.reconciled is a microsecond earlier
	Status, Payment, Fulfillment string
	Full                         bool            // data has a number and a total
	Lists                        map[string]List // of the order's parts, by their kind
	Part                         *Part           // what data is, unless it is the order
	Act                          Act             // what a person does to it; "" of a delivery
}

// Act is something that a person does to an event between the deliveries.
type Act string

const (
	Discard Act = "discard" // it is given up, unless it has ended
	Replay  Act = "replay"  // it is applied again, if it has ended
)

// List is one of an order's lists of parts.
type List struct {
	Raw   string // stands for the whole list, and is none
	Parts []Part
}

// Part is a payment, fulfillment, refund or return. Its ID, status and amount are left out where they are empty.
type Part struct {
	Raw        string // stands in a list instead of a part, and is none
	ID, Status string
	Amount     int64
	Currency   string
}

// reconciled is the type of what the platform's API answered.
const reconciled = "order.reconciled"

var (
	base = time.Date(2025, 1, 15, 10, 0, 0, 0, time.UTC)

	// listOf is where an order lists its parts of a kind.
	listOf = map[string]string{"payment": "payments", "fulfillment": "fulfillments", "refund": "refunds", "return": "returns"}
)

func (e Event) at() time.Time {
	at := base.Add(time.Duration(e.Second) * time.Second)
	if e.Type == reconciled {
		at = at.Add(-time.Microsecond)
	}
	return at
}

// Body is the envelope.
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
	parts := []json.RawMessage{} // an empty list is [], and not null
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
	raw, _ := json.Marshal(f) // what is in it always has a JSON form
	return raw
}
