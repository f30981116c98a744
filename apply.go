package inorder

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// Apply decides what a change means for the order. It is pure, and obeys one law: whatever history of one store it is
// given, in whatever permutation and with whatever repetitions, the final order is the same, once the events that waited
// have been applied again.
//
// A part that does not count when it arrives is kept nevertheless, so that every order of arrival ends in the same parts.
// Such a part changes nothing, so its event is stale. LastWebhookAt is no earlier than the list that the part lost against.
func (o Order) Apply(c Change) Decision {
	end := func(outcome Outcome, detail string) Decision {
		return Decision{Outcome: outcome, Detail: Bounded(detail), Order: o}
	}
	switch {
	case c.Empty():
		return end(Ignored, "it says nothing that the orders table keeps")
	case o.StoreID != "" && c.StoreID != "" && o.StoreID != c.StoreID: // a missing order has no store
		return end(Attention, fmt.Sprintf("it names store %q, but its order belongs to store %q: applying it would overwrite another store's order. "+
			"Discard it, and let only one store's webhooks, in one mode, reach this database", cut(c.StoreID), cut(o.StoreID)))
	case c.Snapshot == nil && len(c.Parts) == 1 && o.isForeign(c.Parts[0], c.OrderID):
		return end(Attention, "its "+c.Parts[0].Kind+" already belongs to another order")
	case o.ID == "" && !c.Creates:
		return end(Waiting, "its order has not been created yet")
	}
	v := verdict{Order: o, created: o.ID == ""}
	v.changed, v.ID = v.created, c.OrderID
	v.store(c.StoreID)
	v.aspect("status", statuses, &v.Status, Aspect{c.Status, c.At})
	v.aspect("payment_status", paymentStatuses, &v.PaymentStatus, Aspect{c.PaymentStatus, c.At})
	v.aspect("fulfillment_status", fulfillmentStatuses, &v.FulfillmentStatus, Aspect{c.FulfillmentStatus, c.At})
	v.snapshot(c.Snapshot)
	v.lists(c.Listed, c.At)
	v.left = c.LeftOut
	for _, p := range c.Parts {
		v.part(p)
	}
	return v.decision(c.At)
}

// verdict collects what a change means while it is read: the order as it will be, and why.
type verdict struct {
	Order
	created, changed, newSnapshot bool

	newParts   []Part
	lost, left []string
}

func (v *verdict) lose(format string, args ...any) {
	v.lost = addReason(v.lost, format, args...)
}

func (v *verdict) store(id string) {
	if v.StoreID == "" && id != "" {
		v.StoreID, v.changed = id, true
	}
}

func (v *verdict) aspect(name string, lifecycle []string, have *Aspect, next Aspect) {
	switch {
	case next.Value == "":
	case next.compare(*have, lifecycle) > 0:
		*have, v.changed = next, true
	default:
		v.lose("%s has been %q since %s", name, cut(have.Value), utc(have.At))
	}
}

func (v *verdict) snapshot(s *Snapshot) {
	switch {
	case s == nil:
	case s.compare(v.Snapshot) > 0:
		v.Snapshot, v.newSnapshot, v.changed = *s, true, true
	default:
		v.lose("the full order is as of %s", utc(v.Snapshot.At))
	}
}

// lists advances the clocks of the listed kinds. It copies the map before changing it, because the map may be the caller's.
func (v *verdict) lists(kinds []string, at time.Time) {
	copied := false
	for _, kind := range kinds {
		if !at.After(v.Listed[kind]) {
			continue // the same event's snapshot says what it lost against
		}
		if !copied {
			listed := make(map[string]time.Time, len(lists))
			maps.Copy(listed, v.Listed)
			v.Listed, copied = listed, true
		}
		v.Listed[kind], v.changed = at, true
	}
}

func (v *verdict) part(p Part) {
	have := v.Parts[p.Key()]
	switch {
	case v.isForeign(p, v.ID): // it would be taken away from that order
		v.left = addReason(v.left, "%s %s belongs to another order", p.Kind, cut(p.ID))
		return
	case p.compare(have) <= 0:
		v.lose("the %s has been %q since %s", have.Kind, cut(have.Status), utc(have.At))
		return
	case v.Counts(p):
		v.changed = true
	default:
		v.lose("the %ss were listed as of %s", p.Kind, utc(v.Listed[p.Kind]))
	}
	v.Parts = withPart(v.Parts, p, len(v.newParts) == 0)
	v.newParts = append(v.newParts, p)
}

// decision returns the decision on a change dated at.
func (v *verdict) decision(at time.Time) Decision {
	d := Decision{Outcome: Applied, Created: v.created, NewSnapshot: v.newSnapshot, NewParts: v.newParts}
	switch {
	case !v.changed:
		d.Outcome, d.Detail = Stale, Bounded(strings.Join(v.lost, "; "))
	case len(v.left) > 0:
		d.Detail = Bounded("left out: " + strings.Join(v.left, "; "))
	}
	if v.changed && at.After(v.LastWebhookAt) {
		v.LastWebhookAt = at
	}
	d.Order = v.Order
	return d
}
