package inorder

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Drift is how an order differs from the platform's.
type Drift string

const (
	DriftNone      Drift = "same"
	DriftMissing   Drift = "missing"   // we do not have the order
	DriftDifferent Drift = "different" // any difference other than DriftSilent
	// DriftSilent is an order that is processing on the platform, confirmed here, and otherwise the same. The platform
	// has no event for that change, so none was lost.
	DriftSilent Drift = "silent"
)

// Difference is one thing in which an order differs from the platform's.
type Difference struct{ What, Ours, Theirs string }

func (d Difference) String() string {
	return Bounded(fmt.Sprintf("%s is %s, the platform has %s", d.What, d.Ours, d.Theirs))
}

// Comparison is the result of comparing an order with the platform's.
type Comparison struct {
	Drift       Drift
	Differences []Difference // empty with DriftMissing and DriftNone

	// Repair is the event, of TypeReconciled, that makes the order what it is on the platform. Its ID is a hash of what is
	// known of the order, including the time of its last event, and of what the platform has. Whoever sees the same drift
	// makes the same ID; a drift that comes back later has another one.
	Repair Event
	// Unrepairable is why the order must not be repaired with Repair: it would leave as much different, or add a
	// difference. "" if it may be.
	Unrepairable string
}

// Compare compares the order, which must hold all of its parts, with the platform's. raw is the platform's JSON, asOf
// when the platform read it, to the second, and storeID the order's store, or "". It compares the statuses, the
// totals and the parts, but not the whole JSON: after an event with an excerpt, the full order that is stored is an
// older one, and nothing is lost by that. The error says why the platform's order can't be read.
func (o Order) Compare(raw json.RawMessage, asOf time.Time, storeID string) (Comparison, error) {
	repair, theirs, err := o.repair(raw, asOf, storeID)
	if err != nil {
		return Comparison{}, err
	}
	c := Comparison{Drift: o.drift(theirs.Change), Repair: repair}
	if c.Drift == DriftMissing {
		return c, nil
	}
	if c.Differences = o.differences(theirs); len(c.Differences) > 0 {
		if c.Drift == DriftNone { // only the sum of the refunds differs
			c.Drift = DriftDifferent
		}
		c.Unrepairable = o.unrepairable(theirs, c.Differences)
	}
	return c, nil
}

// answer is the platform's order, as its repair will state it.
type answer struct {
	Change
	refunded *int64 // the sum of the refunds, in currency; nil if the platform does not say. It is compared, but never stored
	currency string
}

// drift returns how the order differs, apart from the sum of its refunds.
func (o Order) drift(c Change) Drift {
	if o.ID == "" {
		return DriftMissing
	}
	switch d := o.changedBy(c); {
	case len(d) == 0:
		return DriftNone
	case len(d) == 1 && d[0].What == "status" && o.Status.Value == "confirmed" && c.Status == "processing":
		return DriftSilent
	}
	return DriftDifferent
}

func (o Order) differences(a answer) []Difference {
	return append(o.changedBy(a.Change), o.refundedDifference(a)...)
}

// changedBy returns where the order differs from what a change of TypeReconciled says. What the change does not say
// is no difference.
func (o Order) changedBy(c Change) (list []Difference) {
	differ := func(what, ours, theirs string) {
		if theirs != "" && ours != theirs {
			list = append(list, Difference{what, shown(ours), shown(theirs)})
		}
	}
	differ("status", o.Status.Value, c.Status)
	differ("payment_status", o.PaymentStatus.Value, c.PaymentStatus)
	differ("fulfillment_status", o.FulfillmentStatus.Value, c.FulfillmentStatus)
	if c.Snapshot != nil {
		differ("total", o.Snapshot.total(), c.Snapshot.total())
	}
	for _, p := range c.Parts {
		if !o.isForeign(p, c.OrderID) { // else no event could put it here
			differ(p.Kind+" "+cut(p.ID), o.Parts[p.Key()].state(), p.state())
		}
	}
	return append(list, o.notListed(c)...)
}

// notListed returns the parts without an ID of their own that count here, though the platform has listed their kind since.
func (o Order) notListed(c Change) (list []Difference) {
	for _, key := range slices.SortedFunc(maps.Keys(o.Parts), comparePartKeys) {
		p := o.Parts[key]
		if p.KeyedByEvent && p.OrderID == o.ID && o.Counts(p) && slices.Contains(c.Listed, p.Kind) && !p.At.After(c.At) {
			list = append(list, Difference{p.Kind + " " + cut(p.ID), shown(p.state()), "none with that ID"})
		}
	}
	return list
}

// refundedDifference compares the sum of the completed refunds with the platform's, in the platform's currency.
func (o Order) refundedDifference(a answer) []Difference {
	if a.refunded == nil {
		return nil
	}
	var sum int64
	for _, p := range o.Parts {
		if p.Kind == "refund" && p.Status == "completed" && p.OrderID == o.ID && p.Amount != nil && p.Currency == a.currency && o.Counts(p) {
			sum += *p.Amount
		}
	}
	if sum == *a.refunded {
		return nil
	}
	return []Difference{{"refunded_total", shown(money(&sum, a.currency)), shown(money(a.refunded, a.currency))}}
}

// state returns what is compared of a part; "" if the part is not known.
func (p Part) state() string {
	if p.ID == "" {
		return ""
	}
	return strings.TrimSpace(p.Status + " " + money(p.Amount, p.Currency))
}

func (s Snapshot) total() string { return money(s.TotalAmount, s.Currency) }

func money(amount *int64, currency string) string {
	if amount == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", *amount, currency))
}

func shown(value string) string {
	if value == "" {
		return "not known"
	}
	return cut(value)
}

func comparePartKeys(a, b PartKey) int { return strings.Compare(a.Kind+" "+a.ID, b.Kind+" "+b.ID) }
