package history

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"inorder"
)

// Final returns the state in which the order must end, or the zero Order if no event creates it. It leaves Snapshot.Rank
// empty: the code under test uses that to choose between snapshots, and it is not part of the required result.
func Final(history []Event) inorder.Order {
	if !slices.ContainsFunc(history, creates) {
		return inorder.Order{}
	}
	o := inorder.Order{ID: history[0].OrderID, Parts: parts(history), Listed: listed(history), Snapshot: snapshot(history)}
	o.Status = last(history, statusLife, statusOf)
	o.PaymentStatus = last(history, paymentLife, paymentOf)
	o.FulfillmentStatus = last(history, fulfillmentLife, fulfillmentOf)
	for _, e := range history {
		if !saysAnything(e) {
			continue
		}
		if e.StoreID != "" {
			o.StoreID = e.StoreID // a history has at most one store
		}
		if e.at().After(o.LastWebhookAt) {
			o.LastWebhookAt = e.at()
		}
	}
	return o
}

// Refunded returns the sum, by currency, of the order's completed refunds that count and whose amounts are known.
func Refunded(history []Event) map[string]int64 {
	sums := map[string]int64{}
	if !slices.ContainsFunc(history, creates) {
		return sums
	}
	clock := listed(history)["refund"]
	for _, p := range parts(history) {
		counts := !p.KeyedByEvent || p.At.After(clock)
		if p.Kind == "refund" && p.Status == "completed" && p.Amount != nil && counts {
			sums[p.Currency] += *p.Amount
		}
	}
	return sums
}

// last returns the last value of an aspect.
func last(history []Event, lifecycle string, value func(Event) string) (a inorder.Aspect) {
	for _, e := range sorted(history, func(e Event) string { return place(lifecycle, value(e)) + value(e) }) {
		if v := value(e); v != "" {
			a = inorder.Aspect{Value: v, At: e.at()}
		}
	}
	return a
}

// snapshot returns the last full order.
func snapshot(history []Event) (s inorder.Snapshot) {
	further := func(e Event) string {
		return place(statusLife, e.Status) + place(paymentLife, e.Payment) + place(fulfillmentLife, e.Fulfillment) + e.ID
	}
	for _, e := range sorted(history, further) {
		if !isFullOrder(e) {
			continue
		}
		s = inorder.Snapshot{Data: e.data(), At: e.at(), EventID: e.ID}
		if e.Full {
			amount := int64(e.Second)
			s.Number, s.TotalAmount, s.Currency = e.ID, &amount, "KRW"
		}
	}
	return s
}

// listed returns, by kind, the time of the last full order that lists all its parts of that kind; nil if there is none.
func listed(history []Event) (clocks map[string]time.Time) {
	for _, e := range history {
		for kind, list := range e.Lists {
			if !isFullOrder(e) || list.Raw != "" || slices.ContainsFunc(list.Parts, unreadableAs(kind)) || !e.at().After(clocks[kind]) {
				continue
			}
			if clocks == nil {
				clocks = map[string]time.Time{}
			}
			clocks[kind] = e.at()
		}
	}
	return clocks
}

// parts returns the last state of each part, or nil if there are no parts.
func parts(history []Event) (last map[inorder.PartKey]inorder.Part) {
	told := partsTold(history)
	further := func(p inorder.Part) string { return place(partLife[p.Kind], p.Status) + p.EventID }
	slices.SortFunc(told, func(a, b inorder.Part) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(further(a), further(b)))
	})
	for _, p := range told {
		if last == nil {
			last = map[inorder.PartKey]inorder.Part{}
		}
		last[inorder.PartKey{Kind: p.Kind, ID: p.ID}] = p
	}
	return last
}

// partsTold returns all states of all parts that the history mentions.
func partsTold(history []Event) (told []inorder.Part) {
	tell := func(e Event, kind string, p Part, data json.RawMessage) {
		t := inorder.Part{Kind: kind, ID: p.ID, OrderID: e.OrderID, Status: p.Status, Currency: p.Currency, Data: data, At: e.at(), EventID: e.ID}
		if p.Amount != 0 {
			t.Amount = &p.Amount
		}
		if p.ID == "" {
			t.ID, t.KeyedByEvent = e.ID, true
		}
		told = append(told, t)
	}
	for _, e := range history {
		if e.Part != nil {
			p := *e.Part
			p.Status = cmp.Or(p.Status, impliedStatus[e.Type])
			tell(e, kindOf(e.Type), p, e.data())
		}
		for kind, list := range e.Lists {
			for _, p := range list.Parts {
				if isFullOrder(e) && !unreadableAs(kind)(p) {
					tell(e, kind, p, p.json())
				}
			}
		}
	}
	return told
}

func unreadableAs(kind string) func(Part) bool {
	return func(p Part) bool {
		return p.Raw != "" || p.ID == "" || p.Status == "" || kind == "refund" && p.Amount == 0
	}
}
