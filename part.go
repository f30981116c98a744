package inorder

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Part is a payment, fulfillment, refund or return of an order, keyed by its kind and the platform's ID for it.
type Part struct {
	Kind, ID string
	OrderID  string // the order that it belongs to, for ever
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

// isForeign reports whether the part is known as another order's.
func (o Order) isForeign(p Part, orderID string) bool {
	have, known := o.Parts[p.Key()]
	return known && have.OrderID != orderID
}

// withPart sets the part in a copy of the parts, or in the parts themselves where they are a copy already.
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
		p.ID = e.ID // each event then is a part of its own, so that refunds without an ID still add up
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

// held are the parts that the platform's order holds: all but its returns.
var held = []struct{ field, kind string }{{"payments", "payment"}, {"fulfillments", "fulfillment"}, {"refunds", "refund"}}

// readHeldParts reads the parts that a full order holds. Of an event of the platform's it reads the payments alone:
// payment.completed is documented with the order as its data, so a payment's end is told nowhere else, while
// fulfillments and refunds have events of their own. Of a reconciled order it reads all that there are.
//
// What has no ID cannot be told from what is known, and what has no status or, as a refund, no amount would wipe it:
// these, and what is of another kind than documented, are left out, because the rest of the order is right.
func (c *Change) readHeldParts(e Event, data object) {
	for _, h := range held {
		if h.kind != "payment" && e.Type != TypeReconciled || !data.has(h.field) {
			continue
		}
		var list []json.RawMessage
		if json.Unmarshal(data[h.field], &list) != nil {
			c.leaveOut("%s must be an array", h.field)
			continue
		}
		for i, raw := range list {
			fields, err := parseObject(raw)
			if err != nil {
				c.leaveOut("%s[%d] must be a JSON object", h.field, i)
				continue
			}
			switch p, err := readPart(h.kind, fields, raw); {
			case err != nil:
				c.leaveOut("%s[%d].%v", h.field, i, err)
			case p.ID == "":
				c.leaveOut("%s[%d] has no id", h.field, i)
			case p.Status == "":
				c.leaveOut("%s[%d] has no status", h.field, i)
			case p.Kind == "refund" && p.Amount == nil:
				c.leaveOut("%s[%d] has no amount", h.field, i)
			default:
				c.keep(p)
			}
		}
	}
}

// maxLeftOut bounds what is told of an order that is odd all over.
const maxLeftOut = 10

func (c *Change) leaveOut(format string, args ...any) {
	if len(c.LeftOut) < maxLeftOut {
		c.LeftOut = append(c.LeftOut, fmt.Sprintf(format, args...))
	}
}

func readPart(kind string, data object, raw json.RawMessage) (p Part, err error) {
	p = Part{Kind: kind, Data: raw}
	if p.ID, err = data.str("id"); err != nil {
		return p, err
	}
	if p.Status, err = data.str("status"); err != nil {
		return p, err
	}
	p.Amount, p.Currency, err = data.money("amount")
	return p, err
}

func partKind(eventType string) string {
	if eventType == "payment.refunded" {
		return "refund"
	}
	kind, _, _ := strings.Cut(eventType, ".")
	return kind
}

func impliedPartStatus(eventType, kind string) string {
	_, verb, _ := strings.Cut(eventType, ".")
	switch {
	case eventType == "payment.refunded":
		return "completed"
	case verb == "created" && partRank(kind, "pending") > 0:
		return "pending"
	case partRank(kind, verb) > 0:
		return verb
	}
	return ""
}
