package inorder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// OwnIDPrefix begins the IDs of the events that we make ourselves. No delivery may bring one, nor TypeReconciled.
// Reconciled events of older versions have IDs that begin with "reconcile-".
const OwnIDPrefix = "inorder-"

const maxEventID = 64 // characters, as ParseEvent demands

// Found is what a comparison with the platform found.
type Found string

const (
	FoundSame      Found = "same"
	FoundMissing   Found = "missing"   // we do not have the order
	FoundDifferent Found = "different" // something else than Silent differs
	// FoundSilent is an order that is processing there and confirmed here: no event of the platform says so, and so none
	// was lost.
	FoundSilent Found = "silent"
)

// Difference is one thing that an order and the platform's disagree in.
type Difference struct{ What, Ours, Theirs string }

func (d Difference) String() string {
	return Bounded(fmt.Sprintf("%s is %s, the platform has %s", d.What, d.Ours, d.Theirs))
}

// Comparison is an order beside the platform's.
type Comparison struct {
	Found       Found
	Differences []Difference // none if we have no such order, or the same

	// Event, of TypeReconciled, makes the order what the platform's is. Its ID follows from what differs, so whoever sees
	// the same difference makes an event of the same ID; and what differs again, later, makes another.
	Event Event
	// Unrepairable is why Event would not do that; "" if it would.
	Unrepairable string
}

// Compare compares an order, all of its parts included, with the platform's: raw is its JSON, asOf when the platform
// looked, to the second, and storeID the store, if it is known. It compares the statuses, the totals and the parts, and
// not the whole: sparse events leave an older snapshot without anything being lost. The error says why the platform's
// order cannot be read.
func (o Order) Compare(raw json.RawMessage, asOf time.Time, storeID string) (Comparison, error) {
	e := Event{Type: TypeReconciled, OccurredAt: answeredAt(asOf), StoreID: storeID, Data: raw}
	c, err := e.Change()
	if err != nil {
		return Comparison{}, err
	}
	e.ID = reconcileID(o, c)
	e.Body = e.envelope()
	if c, err = e.Change(); err != nil {
		return Comparison{}, err
	}
	r := Comparison{Found: o.find(c), Event: e}
	if r.Found == FoundMissing {
		return r, nil
	}
	data, err := parseObject(raw)
	if err != nil {
		return Comparison{}, errors.New("it is not a JSON object")
	}
	refunded, currency, _ := data.money("refunded_total") // it is compared where it can be, and kept nowhere
	differences := func(o Order) []Difference {
		return append(o.differences(c), o.refundedDifference(refunded, currency)...)
	}
	if r.Differences = differences(o); len(r.Differences) == 0 {
		return r, nil
	}
	if r.Found == FoundSame {
		r.Found = FoundDifferent
	}
	d := o.Apply(c)
	if d.Outcome == Attention {
		r.Unrepairable = d.Detail
	} else {
		r.Unrepairable = unrepairable(r.Differences, differences(d.Order))
	}
	return r, nil
}

// answeredAt is the time of the event that is made of an answer of the platform's. The answer is told by the second, and
// a webhook of that second may be newer: a microsecond before it, the answer loses against all of them.
func answeredAt(asOf time.Time) time.Time {
	at := asOf.UTC().Truncate(time.Second).Add(-time.Microsecond)
	if !at.After(time.Time{}) {
		return time.Time{}
	}
	return at
}

// unrepairable judges a repair by what would differ after it. It may add nothing: a refund without an ID of its own, for
// instance, would count twice if it is as new as the answer, or if something else in the answer's list cannot be read.
func unrepairable(before, after []Difference) string {
	what := map[string]bool{}
	for _, d := range before {
		what[d.What] = true
	}
	for _, d := range after {
		if !what[d.What] {
			return Bounded("after it, " + d.String())
		}
	}
	if len(after) == len(before) {
		return Bounded("what is known of it is newer than the platform's answer, or not told by it: " + after[0].String())
	}
	return ""
}

// Repaired says what a reconciled order has put right: what was found, all parts included, of an order that after is now
// closer to it. It is FoundSame of one that came too late, and is newer in what was known already.
func (o Order) Repaired(c Change, after Order) Found {
	if o.ID != "" && len(after.differences(c)) >= len(o.differences(c)) {
		return FoundSame
	}
	return o.find(c)
}

func (o Order) find(c Change) Found {
	if o.ID == "" {
		return FoundMissing
	}
	switch d := o.differences(c); {
	case len(d) == 0:
		return FoundSame
	case len(d) == 1 && d[0].What == "status" && o.Status.Value == "confirmed" && c.Status == "processing":
		return FoundSilent
	}
	return FoundDifferent
}

func (o Order) differences(c Change) (list []Difference) {
	differ := func(what, ours, theirs string) {
		if theirs != "" && ours != theirs {
			list = append(list, Difference{what, shown(ours), shown(theirs)})
		}
	}
	differ("status", o.Status.Value, c.Status)
	differ("payment_status", o.PaymentStatus.Value, c.PaymentStatus)
	differ("fulfillment_status", o.FulfillmentStatus.Value, c.FulfillmentStatus)
	if c.Snapshot != nil {
		differ("total", money(o.Snapshot.TotalAmount, o.Snapshot.Currency), money(c.Snapshot.TotalAmount, c.Snapshot.Currency))
	}
	for _, p := range c.Parts {
		if o.isForeign(p, c.OrderID) {
			continue // no event could put it here
		}
		have := o.Parts[p.Key()]
		differ(p.Kind+" "+cut(p.ID), have.state(), p.state())
	}
	return append(list, o.notListed(c)...)
}

// notListed are the parts without an ID of their own that count here, though the platform has listed their kind since.
func (o Order) notListed(c Change) (list []Difference) {
	for _, key := range slices.SortedFunc(maps.Keys(o.Parts), comparePartKeys) {
		p := o.Parts[key]
		if p.KeyedByEvent && p.OrderID == o.ID && o.Counts(p) && slices.Contains(c.Listed, p.Kind) && !p.At.After(c.At) {
			list = append(list, Difference{p.Kind + " " + cut(p.ID), shown(p.state()), "none of that ID"})
		}
	}
	return list
}

// refundedDifference compares the refunds' sum with the platform's, in its currency.
func (o Order) refundedDifference(theirs *int64, currency string) []Difference {
	if theirs == nil {
		return nil
	}
	var sum int64
	for _, p := range o.Parts {
		if p.Kind == "refund" && p.Status == "completed" && p.OrderID == o.ID && p.Amount != nil && p.Currency == currency && o.Counts(p) {
			sum += *p.Amount
		}
	}
	if sum == *theirs {
		return nil
	}
	return []Difference{{"refunded_total", shown(money(&sum, currency)), shown(money(theirs, currency))}}
}

// state is what is compared of a part; "" of one that is not known.
func (p Part) state() string {
	if p.ID == "" {
		return ""
	}
	return strings.TrimSpace(p.Status + " " + money(p.Amount, p.Currency))
}

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

// reconcileID is made of what is known of the order and what the platform has of it, as far as they are compared. The
// order's last event is part of it, so that a difference that comes back is another one.
func reconcileID(o Order, c Change) string {
	h := sha256.New()
	say := func(words ...string) { fmt.Fprintf(h, "%q\n", words) }
	say(c.OrderID, o.ID, utc(o.LastWebhookAt))
	say(o.Status.Value, o.PaymentStatus.Value, o.FulfillmentStatus.Value, money(o.Snapshot.TotalAmount, o.Snapshot.Currency))
	for _, key := range slices.SortedFunc(maps.Keys(o.Parts), comparePartKeys) {
		if p := o.Parts[key]; o.Counts(p) {
			say(key.Kind, key.ID, p.state())
		}
	}
	say(append([]string{"the platform lists"}, c.Listed...)...)
	say("the platform has", c.Status, c.PaymentStatus, c.FulfillmentStatus, money(c.Snapshot.TotalAmount, c.Snapshot.Currency))
	for _, p := range slices.SortedStableFunc(slices.Values(c.Parts), func(a, b Part) int { return comparePartKeys(a.Key(), b.Key()) }) {
		say(p.Kind, p.ID, p.state())
	}
	const prefix = OwnIDPrefix + "reconcile-"
	return prefix + hex.EncodeToString(h.Sum(nil))[:maxEventID-len(prefix)]
}

func comparePartKeys(a, b PartKey) int { return strings.Compare(a.Kind+" "+a.ID, b.Kind+" "+b.ID) }

// envelope writes the event as the platform would, with its data byte for byte: a marshaller would compact and escape it.
func (e Event) envelope() []byte {
	text := func(s string) []byte { quoted, _ := json.Marshal(s); return quoted } // a string always has a JSON form
	body := fmt.Appendf(nil, `{"id":%s,"type":%s,"created_at":%s,"data":`, text(e.ID), text(e.Type), text(e.OccurredAt.Format(time.RFC3339Nano)))
	body = append(body, e.Data...)
	if e.StoreID != "" {
		body = fmt.Appendf(body, `,"store_id":%s`, text(e.StoreID))
	}
	return append(body, '}')
}
