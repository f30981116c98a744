package inorder

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Part is a payment, fulfillment, refund or return of an order, keyed by its kind and the platform's ID for it.
type Part struct {
	Kind, ID string
	// KeyedByEvent reports that the platform gave the part no ID, so that ID is that of the event that carried it. Such
	// a part counts until the platform lists its kind: see Order.Counts.
	KeyedByEvent bool

	OrderID  string // the order that it belongs to; never changes
	Status   string
	Amount   *int64 // minor units of Currency; nil when the event does not say
	Currency string
	Data     json.RawMessage

	At      time.Time
	EventID string
}

// PartKey identifies a part.
type PartKey struct{ Kind, ID string }

// Key identifies the part.
func (p Part) Key() PartKey { return PartKey{p.Kind, p.ID} }

// compare orders two states of a part by time, then place in the lifecycle, then event.
func (p Part) compare(b Part) int {
	return cmp.Or(p.At.Compare(b.At), cmp.Compare(partRank(p.Kind, p.Status), partRank(b.Kind, b.Status)), cmp.Compare(p.EventID, b.EventID))
}

// isForeign reports whether the part is known to belong to another order.
func (o Order) isForeign(p Part, orderID string) bool {
	have, known := o.Parts[p.Key()]
	return known && have.OrderID != orderID
}

// Counts reports whether the part counts. A part without an ID of its own can't be matched with the platform's lists of its
// kind, where it has an ID. So it counts only while it is newer than the newest of these lists, which has it under that ID.
//
// Known limit: a list dated the same second as the part may be from before it. The part is then missing until the next list.
func (o Order) Counts(p Part) bool { return !p.KeyedByEvent || p.At.After(o.Listed[p.Kind]) }

// withPart sets the part in a copy of the parts if copyFirst is set, else in parts itself, which must be a copy already.
func withPart(parts map[PartKey]Part, p Part, copyFirst bool) map[PartKey]Part {
	if copyFirst {
		next := make(map[PartKey]Part, len(parts)+1)
		maps.Copy(next, parts)
		parts = next
	}
	parts[p.Key()] = p
	return parts
}

// readOwnPart reads the part that the event is about.
func (c *Change) readOwnPart(e Event, data object) error {
	p, err := readPart(partKind(e.Type), data, e.Data)
	if err != nil {
		return err
	}
	if p.ID == "" {
		p.ID, p.KeyedByEvent = e.ID, true // each event then is a part of its own, so that refunds without an ID still add up
	}
	if p.Status == "" {
		p.Status = impliedPartStatus(e.Type, p.Kind)
	}
	c.keep(p)
	return nil
}

func (c *Change) keep(p Part) {
	p.OrderID, p.At, p.EventID = c.OrderID, c.At, c.EventID
	c.Parts = append(c.Parts, p)
}

// lists are the fields in which a full order lists its parts, and the kinds of those.
var lists = []struct{ field, kind string }{{"payments", "payment"}, {"fulfillments", "fulfillment"}, {"refunds", "refund"}, {"returns", "return"}}

// readLists reads the parts that a full order lists, and notes the kinds that it lists completely. A list that is
// absent or null is no list.
//
// A part without an ID can't be matched with a known one. A part without a status, or a refund without an amount,
// would erase what is known. Such parts, and parts of another form than documented, are left out, because the rest of
// the order is right. A list from which a part was left out is not complete.
func (c *Change) readLists(data object) {
	for _, l := range lists {
		if data.has(l.field) && c.readList(l.field, l.kind, data[l.field]) {
			c.Listed = append(c.Listed, l.kind)
		}
	}
}

// readList reports whether it could read all of the list.
func (c *Change) readList(field, kind string, raw json.RawMessage) (complete bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		c.leaveOut("%s must be an array", field)
		return false
	}
	complete = true
	for i, raw := range list {
		p, err := readListed(kind, raw)
		if err != nil {
			c.leaveOut("%s[%d]%v", field, i, err)
			complete = false
			continue
		}
		c.keep(p)
	}
	return complete
}

// readListed reads a part in a full order's list. Its error continues a text that names the element, such as refunds[2].
func readListed(kind string, raw json.RawMessage) (Part, error) {
	fields, err := parseObject(raw)
	if err != nil {
		return Part{}, errors.New(" must be a JSON object")
	}
	switch p, err := readPart(kind, fields, raw); {
	case err != nil:
		return Part{}, fmt.Errorf(".%w", err)
	case p.ID == "":
		return Part{}, errors.New(" has no id")
	case p.Status == "":
		return Part{}, errors.New(" has no status")
	case kind == "refund" && p.Amount == nil:
		return Part{}, errors.New(" has no amount")
	default:
		return p, nil
	}
}

func (c *Change) leaveOut(format string, args ...any) {
	c.LeftOut = addReason(c.LeftOut, format, args...)
}

func readPart(kind string, data object, raw json.RawMessage) (p Part, err error) {
	p = Part{Kind: kind, Data: raw}
	if p.ID, err = data.short("id", maxID); err != nil {
		return p, err
	}
	if p.Status, err = data.short("status", maxStatus); err != nil {
		return p, err
	}
	p.Amount, p.Currency, err = data.money("amount")
	return p, err
}

func partKind(eventType string) string {
	if eventType == TypePaymentRefunded {
		return "refund"
	}
	return Family(eventType)
}

func impliedPartStatus(eventType, kind string) string {
	_, verb, _ := strings.Cut(eventType, ".")
	switch {
	case eventType == TypePaymentRefunded:
		return "completed"
	case verb == "created" && partRank(kind, "pending") > 0:
		return "pending"
	case partRank(kind, verb) > 0:
		return verb
	}
	return ""
}
