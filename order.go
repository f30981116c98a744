package inorder

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Outcome is what became of an event. The ends are recorded in webhook_events; Waiting, Stuck and Attention are
// places where it still lives.
type Outcome string

const (
	Applied   Outcome = "applied"   // it changed its order
	Stale     Outcome = "stale"     // something newer was known about all that it says
	Ignored   Outcome = "ignored"   // it says nothing that the orders table keeps
	Discarded Outcome = "discarded" // an operator gave it up
	Expired   Outcome = "expired"   // its order never came

	Waiting   Outcome = "waiting"   // for its order to be created
	Stuck     Outcome = "stuck"     // waiting, for longer than is normal
	Attention Outcome = "attention" // a person must look at it
)

// Order is what is known of one order. The zero Order is a missing one.
//
// Every aspect is a last-writer-wins register: it carries the time of the event that set it, and an event changes
// those aspects that it is newer for.
type Order struct {
	ID                                       string
	Status, PaymentStatus, FulfillmentStatus Aspect
	Snapshot                                 Snapshot
	Parts                                    map[PartKey]Part // those that a decision needs; a store loads those concerned

	LastWebhookAt time.Time // the newest event that changed anything
}

// Aspect is one status of an order and the time of the event that set it.
type Aspect struct {
	Value string
	At    time.Time
}

// Decision is the end of applying a change.
type Decision struct {
	Outcome Outcome // Applied, Stale, Ignored, Waiting, or Attention for a part that is another order's
	Detail  string  // why, for people: what a stale event lost against, what a waiting one waits for
	Order   Order   // as it now is

	Created     bool   // the order was missing, and is not now
	NewSnapshot bool   // Order.Snapshot is the change's
	NewParts    []Part // of the change's parts, those to keep
}

// Apply decides what a change means for the order. It is pure, and its law is: whatever permutation of whatever
// history it is given, with any repetitions, the final order is the same, once what waited has been applied again.
func (o Order) Apply(c Change) Decision {
	switch {
	case c.Empty():
		return Decision{Outcome: Ignored, Detail: "it says nothing that the orders table keeps", Order: o}
	case c.Snapshot == nil && len(c.Parts) == 1 && o.isForeign(c.Parts[0], c.OrderID):
		return Decision{Outcome: Attention, Detail: "its " + c.Parts[0].Kind + " belongs to another order already", Order: o}
	case o.ID == "" && !c.Creates:
		return Decision{Outcome: Waiting, Detail: "its order has not been created yet", Order: o}
	}
	d := Decision{Outcome: Applied, Created: o.ID == ""}
	o.ID = c.OrderID

	var lost []string
	changed := d.Created
	aspect := func(name string, lifecycle []string, have *Aspect, value string) {
		if value == "" {
			return
		}
		next := Aspect{value, c.At}
		if next.compare(*have, lifecycle) > 0 {
			*have, changed = next, true
		} else {
			lost = append(lost, fmt.Sprintf("%s is %q since %s", name, have.Value, utc(have.At)))
		}
	}
	aspect("status", statuses, &o.Status, c.Status)
	aspect("payment_status", paymentStatuses, &o.PaymentStatus, c.PaymentStatus)
	aspect("fulfillment_status", fulfillmentStatuses, &o.FulfillmentStatus, c.FulfillmentStatus)

	if c.Snapshot != nil {
		if d.NewSnapshot = c.Snapshot.compare(o.Snapshot) > 0; d.NewSnapshot {
			o.Snapshot = *c.Snapshot
		} else {
			lost = append(lost, "the snapshot is of "+utc(o.Snapshot.At))
		}
	}
	left := c.LeftOut
	for _, p := range c.Parts {
		have := o.Parts[p.Key()]
		switch {
		case o.isForeign(p, c.OrderID): // it would be taken away from there
			left = append(left[:len(left):len(left)], fmt.Sprintf("%s %s belongs to another order", p.Kind, cut(p.ID)))
		case p.compare(have) > 0:
			o.Parts = withPart(o.Parts, p, len(d.NewParts) == 0)
			d.NewParts = append(d.NewParts, p)
		default:
			lost = append(lost, fmt.Sprintf("the %s is %q since %s", have.Kind, have.Status, utc(have.At)))
		}
	}
	changed = changed || d.NewSnapshot || len(d.NewParts) > 0

	if !changed {
		d.Outcome, d.Detail = Stale, strings.Join(lost, "; ")
	} else if len(left) > 0 {
		d.Detail = "left out: " + strings.Join(left, "; ")
	}
	if changed && c.At.After(o.LastWebhookAt) {
		o.LastWebhookAt = c.At
	}
	d.Order = o
	return d
}

// utc is how a time is told to people, wherever the process that loaded it runs.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// compare orders two values of an aspect by time, then place in the lifecycle, then spelling.
func (a Aspect) compare(b Aspect, lifecycle []string) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank(lifecycle, a.Value), rank(lifecycle, b.Value)), cmp.Compare(a.Value, b.Value))
}

func (s Snapshot) compare(b Snapshot) int {
	return cmp.Or(s.At.Compare(b.At), cmp.Compare(s.Rank, b.Rank), cmp.Compare(s.EventID, b.EventID))
}
