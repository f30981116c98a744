package inorder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// OwnIDPrefix begins the IDs of the events that we make ourselves. A delivery with such an ID, or of TypeReconciled,
// is refused. Reconciled events of older versions have IDs that begin with "reconcile-".
const OwnIDPrefix = "inorder-"

// repair makes the event that carries the platform's order, and reads it as it will be read when it is applied.
func (o Order) repair(raw json.RawMessage, asOf time.Time, storeID string) (Event, answer, error) {
	e := Event{Type: TypeReconciled, OccurredAt: answeredAt(asOf), StoreID: storeID, Data: raw}
	c, err := e.Change()
	if err != nil {
		return Event{}, answer{}, err
	}
	e.ID = repairID(o, c)
	e.Body = e.envelope()
	a := answer{}
	if a.Change, err = e.Change(); err != nil { // once more, with the ID
		return Event{}, answer{}, err
	}
	data, err := parseObject(raw)
	if err == nil {
		a.refunded, a.currency, _ = data.money("refunded_total") // a total that can't be read is not compared
	}
	return e, a, err
}

// answeredAt returns the time of an event that is made from the platform's answer. The answer's time has whole seconds,
// and a webhook of that second may be newer. Dated a microsecond before the second, the answer loses against all of them.
func answeredAt(asOf time.Time) time.Time {
	at := asOf.UTC().Truncate(time.Second).Add(-time.Microsecond)
	if !at.After(time.Time{}) {
		return time.Time{}
	}
	return at
}

// unrepairable applies the repair and compares again. It returns "" if less differs then, and nothing that did not
// differ before; else it returns why not. For example, a refund without an ID of its own would count twice if it is
// as new as the answer, or if something else in the answer's list of refunds can't be read.
func (o Order) unrepairable(theirs answer, before []Difference) string {
	d := o.Apply(theirs.Change)
	if d.Outcome == Attention {
		return d.Detail
	}
	known := map[string]bool{}
	for _, b := range before {
		known[b.What] = true
	}
	after := d.Order.differences(theirs)
	for _, a := range after {
		if !known[a.What] {
			return Bounded("after the repair, " + a.String())
		}
	}
	if len(after) == len(before) {
		return Bounded("what is known of it is newer than the platform's answer, or missing from it: " + after[0].String())
	}
	return ""
}

// Repaired reports which drift applying c removed, or DriftNone if after is no closer to c than o. That happens if a
// repair comes too late, because what is known is newer. Both orders must hold all of their parts.
func (o Order) Repaired(c Change, after Order) Drift {
	if o.ID != "" && len(after.changedBy(c)) >= len(o.changedBy(c)) {
		return DriftNone
	}
	return o.drift(c)
}

// repairID returns a hash of what is compared: what is known of the order, and what the platform has. It includes the
// time of the order's last event, so that a drift that comes back has another ID.
func repairID(o Order, c Change) string {
	h := sha256.New()
	write := func(words ...string) { fmt.Fprintf(h, "%q\n", words) }
	write(c.OrderID, o.ID, utc(o.LastWebhookAt))
	write(o.Status.Value, o.PaymentStatus.Value, o.FulfillmentStatus.Value, o.Snapshot.total())
	for _, key := range slices.SortedFunc(maps.Keys(o.Parts), comparePartKeys) {
		if p := o.Parts[key]; o.Counts(p) {
			write(key.Kind, key.ID, p.state())
		}
	}
	write(append([]string{"the platform lists"}, c.Listed...)...)
	write("the platform has", c.Status, c.PaymentStatus, c.FulfillmentStatus, c.Snapshot.total())
	for _, p := range slices.SortedStableFunc(slices.Values(c.Parts), func(a, b Part) int { return comparePartKeys(a.Key(), b.Key()) }) {
		write(p.Kind, p.ID, p.state())
	}
	const prefix, length = OwnIDPrefix + "reconcile-", 64 // characters: the most that ParseEvent takes
	return prefix + hex.EncodeToString(h.Sum(nil))[:length-len(prefix)]
}

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
