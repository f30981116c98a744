package inorder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Change is what one event says about its order. An empty field means that the event says nothing about it.
type Change struct {
	EventID string
	OrderID string
	StoreID string    // "" if the event names none
	At      time.Time // the event's own time, which decides what is newer

	Creates bool // the event may create its order; any other event waits for the order

	Status, PaymentStatus, FulfillmentStatus string

	Snapshot *Snapshot // the full order, if the event carries it
	Parts    []Part    // the part that the event is about, or the parts that its full order lists
	// Listed are the kinds of which the full order lists all parts. The list is there, maybe empty, and every part in it
	// could be read.
	Listed []string

	// LeftOut says which parts of the full order could not be read, at most ten of them. Those parts stay as they are;
	// the rest applies.
	LeftOut []string
}

// Snapshot is the full order as one event carried it.
type Snapshot struct {
	Number      string // an integer or a string on the wire
	TotalAmount *int64 // minor units of Currency; nil when the event does not say
	Currency    string
	Data        json.RawMessage

	At      time.Time
	Rank    int    // decides between snapshots of the same time
	EventID string // decides between snapshots of the same time and rank
}

// Change returns what the event says about its order. It does not guess: an order event without an order ID, without a time
// to order it by, or with a field of another kind than documented is an error. So is a text that is too long: an ID or
// number may have 255 characters, a status 100, a currency 16. The error says in one line, without content, why a person
// must look at the event. The Change of an event that is not about orders, or says nothing about its order, is Empty.
func (e Event) Change() (Change, error) {
	if !e.AboutOrders() {
		return Change{}, nil
	}
	data, err := parseObject(e.Data)
	if err != nil {
		return Change{}, errors.New("data must be a JSON object")
	}
	c := Change{EventID: e.ID, OrderID: e.orderID(data), StoreID: e.StoreID, At: e.OccurredAt, Creates: e.creates()}
	switch {
	case c.OrderID == "" && e.orderShaped(data):
		return Change{}, errors.New("there is no order ID: data.order_id or data.id must be a string of 1 to 255 characters")
	case c.OrderID == "":
		return Change{}, errors.New("there is no order ID: data.order_id must be a string of 1 to 255 characters")
	case c.At.IsZero():
		return Change{}, errors.New("the event has no usable time: created_at must be an RFC 3339 time")
	}
	if e.orderShaped(data) {
		err = c.readOrder(e, data)
	} else {
		err = c.readOwnPart(e, data)
	}
	if err != nil {
		return Change{}, fmt.Errorf("data.%w", err)
	}
	return c, nil
}

// Ahead returns why the event must not be applied yet and when it may be, or "" if it may be now. An event that is dated more
// than allowed after judgedAt, the time of its receipt or of a person's retry, would freeze what it sets until its date.
func (c Change) Ahead(judgedAt time.Time, allowed time.Duration) (reason string) {
	ahead := c.At.Sub(judgedAt) // it saturates, at 292 years
	if ahead <= allowed {
		return ""
	}
	return Bounded(fmt.Sprintf("it is dated %s, %s in the future when it was checked at %s, and MAX_EVENT_SKEW allows only %s; a retry can apply it from %s on",
		utc(c.At), ahead.Round(time.Second), judgedAt.UTC().Format(time.RFC3339), allowed, utc(c.At.Add(-allowed))))
}

// Empty reports whether the event says nothing that the orders table keeps.
func (c Change) Empty() bool {
	return !c.Creates && c.Snapshot == nil && len(c.Parts) == 0 &&
		c.Status == "" && c.PaymentStatus == "" && c.FulfillmentStatus == ""
}

// creates reports whether the event may create its order: order.created may, and the event that we make from an
// answer of the platform's API.
func (e Event) creates() bool { return e.Type == TypeOrderCreated || e.Type == TypeReconciled }

func (c *Change) readOrder(e Event, data object) (err error) {
	if c.Status, err = data.short("status", maxStatus); err != nil {
		return err
	}
	if c.PaymentStatus, err = data.short("payment_status", maxStatus); err != nil {
		return err
	}
	if c.FulfillmentStatus, err = data.short("fulfillment_status", maxStatus); err != nil {
		return err
	}
	if isFull(e, data) {
		if c.Snapshot, err = readSnapshot(e, data); err != nil {
			return err
		}
		c.Snapshot.Rank = snapshotRank(c.Status, c.PaymentStatus, c.FulfillmentStatus)
		c.readLists(data)
	}
	says := implied[e.Type]
	c.Status = cmp.Or(c.Status, says.Status)
	c.PaymentStatus = cmp.Or(c.PaymentStatus, says.PaymentStatus)
	c.FulfillmentStatus = cmp.Or(c.FulfillmentStatus, says.FulfillmentStatus)
	return nil
}

// implied is what a type says where data is silent. data wins where both speak.
var implied = map[string]Change{
	TypeOrderConfirmed: {Status: "confirmed"},
	TypeOrderCompleted: {Status: "completed"},
	TypeOrderCancelled: {Status: "cancelled"},
	TypeOrderPaid:      {PaymentStatus: "paid"},
	TypeOrderFulfilled: {FulfillmentStatus: "fulfilled"},
}

// isFull reports whether data is a full order, not an excerpt such as {"id","payment_status"}, which must not replace
// one. The smallest full order in the platform's documents has a status and a total.
func isFull(e Event, data object) bool {
	return e.creates() || data.has("status") && (data.has("total") || data.has("lines"))
}

func readSnapshot(e Event, data object) (*Snapshot, error) {
	s := &Snapshot{Data: e.Data, At: e.OccurredAt, EventID: e.ID}
	var err error
	if s.Number, err = data.number(); err != nil {
		return nil, err
	}
	s.TotalAmount, s.Currency, err = data.money("total")
	return s, err
}

// number reads an order's number, an integer in the platform's documents and a string in its SDK.
func (o object) number() (string, error) {
	n, err := o.str("number")
	if err != nil {
		if n = string(o["number"]); !isInteger(n) {
			return "", errors.New("number must be an integer or a string")
		}
	}
	if utf8.RuneCountInString(n) > maxID {
		return "", fmt.Errorf("number must have at most %d characters", maxID)
	}
	return n, nil
}

// money reads {"amount": integer in minor units, "currency"}. Absent and null are nil.
func (o object) money(key string) (*int64, string, error) {
	if !o.has(key) {
		return nil, "", nil
	}
	m, err := parseObject(o[key])
	if err != nil {
		return nil, "", fmt.Errorf(`%s must be {"amount", "currency"}`, key)
	}
	currency, err := m.short("currency", maxCurrency)
	if err != nil {
		return nil, "", fmt.Errorf("%s.%w", key, err)
	}
	if !m.has("amount") {
		return nil, currency, nil
	}
	var amount int64
	if json.Unmarshal(m["amount"], &amount) != nil {
		return nil, "", fmt.Errorf("%s.amount must be an integer in minor units, below 2^63", key)
	}
	return &amount, currency, nil
}

func isInteger(number string) bool {
	digits := strings.TrimPrefix(number, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}
