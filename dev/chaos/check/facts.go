package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"inorder"
	"inorder/dev/history"
)

// facts is everything that is stored of an order, by name. nil means that the order does not exist.
type facts map[string]string

func names(a, b facts) []string {
	all := maps.Clone(a)
	if all == nil {
		all = facts{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// factsOf returns the facts that the oracle requires of the order.
func factsOf(told []history.Event) facts {
	if len(told) == 0 {
		return nil
	}
	o := history.Final(told)
	if o.ID == "" {
		return nil
	}
	f := facts{"store": o.StoreID, "number": o.Snapshot.Number, "currency": o.Snapshot.Currency, "total": amount(o.Snapshot.TotalAmount),
		"data": canonical(o.Snapshot.Data), "data's time": clock(o.Snapshot.At), "data's event": o.Snapshot.EventID, "last webhook": clock(o.LastWebhookAt)}
	for name, a := range map[string]inorder.Aspect{"status": o.Status, "payment status": o.PaymentStatus, "fulfillment status": o.FulfillmentStatus} {
		f[name], f[name+"'s time"] = a.Value, clock(a.At)
	}
	for _, kind := range []string{"payment", "fulfillment", "refund", "return"} {
		f[kind+"s listed"] = clock(o.Listed[kind])
	}
	for _, p := range o.Parts {
		f["part "+p.Kind+" "+p.ID] = part(p.Status, amount(p.Amount), p.Currency, p.EventID, clock(p.At), canonical(p.Data))
	}
	for currency, sum := range history.Refunded(told) {
		f["refunded "+currency] = fmt.Sprint(sum)
	}
	return f
}

func part(status, amount, currency, event, at, data string) string {
	return fmt.Sprintf("%s %s %s of %s at %s %s", status, amount, currency, event, at, data)
}

func amount(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// canonical returns the JSON with its keys sorted.
func canonical(raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return string(raw)
	}
	text, _ := json.Marshal(value)
	return string(text)
}
