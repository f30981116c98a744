package inorder_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"inorder"
)

// The law: for any history, any permutation with any duplicates gives the same final order. It is tested against a
// model that shares no code with the package: it sorts the history by time and lets every event overwrite.
func TestAnyPermutationWithAnyDuplicatesEndsInTheOrderThatTheModelSays(t *testing.T) {
	for range 5 { // of rapid's 100 checks each
		rapid.Check(t, theLaw)
	}
}

func theLaw(t *rapid.T) {
	history := rapid.SliceOfN(telling(), 1, 10).Draw(t, "history")
	// Some events say the same as another under an ID of their own.
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(history)-1), 0, 2).Draw(t, "told again") {
		history = append(history, history[i])
	}
	for i := range history {
		history[i].ID = fmt.Sprintf("evt_%02d", i)
	}
	want := model(history)
	for range 3 {
		deliveries := slices.Clone(history)
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(history)-1), 0, 12).Draw(t, "delivered again") {
			deliveries = append(deliveries, history[i])
		}
		deliveries = rapid.Permutation(deliveries).Draw(t, "deliveries")
		require.Equal(t, want, deliver(t, deliveries))
	}
}

// told is one event as the platform would tell it, before it is JSON.
type told struct {
	ID, Type                     string
	Second                       int
	Status, Payment, Fulfillment string // in data, where it is not empty
	Full                         bool
	PartID                       string // the event is about a part
	PartStatus                   string
}

var base = time.Date(2025, 1, 15, 10, 0, 0, 0, time.UTC)

func (e told) at() time.Time { return base.Add(time.Duration(e.Second) * time.Second) }

func (e told) data() json.RawMessage {
	data := map[string]any{"id": "order_1"}
	put := func(key, value string) {
		if value != "" {
			data[key] = value
		}
	}
	if e.PartID != "" {
		data = map[string]any{"id": e.PartID, "order_id": "order_1", "amount": map[string]any{"amount": 5, "currency": "KRW"}}
		put("status", e.PartStatus)
	} else {
		put("status", e.Status)
		put("payment_status", e.Payment)
		put("fulfillment_status", e.Fulfillment)
		if e.Full {
			data["number"], data["total"] = e.ID, map[string]any{"amount": e.Second, "currency": "KRW"}
		}
	}
	raw, _ := json.Marshal(data)
	return raw
}

func (e told) body() []byte {
	raw, _ := json.Marshal(map[string]any{"id": e.ID, "type": e.Type, "created_at": e.at(), "data": e.data(), "store_id": "store_1"})
	return raw
}

// telling draws events of one order: several types, few times so that there are ties, full and sparse ones, parts,
// types and values that nobody has documented.
func telling() *rapid.Generator[told] {
	return rapid.Custom(func(t *rapid.T) told {
		e := told{Second: rapid.IntRange(0, 2).Draw(t, "second")}
		oneOf := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
		if rapid.IntRange(0, 3).Draw(t, "about a part") == 0 {
			e.Type = oneOf("type", "payment.completed", "payment.failed", "payment.refunded", "refund.created",
				"fulfillment.shipped", "fulfillment.delivered", "return.requested", "return.lost")
			e.PartID = oneOf("part", "part_1", "part_2")
			e.PartStatus = oneOf("part status", "", "", "pending", "completed", "cancelled", "unheard of", "odd")
			return e
		}
		e.Type = oneOf("type", "order.created", "order.created", "order.confirmed", "order.completed", "order.cancelled", "order.paid",
			"order.fulfilled", "order.updated", "order.unheard_of", "payment.completed", "product.updated")
		e.Status = oneOf("status", "", "pending", "confirmed", "unheard of", "odd")
		e.Payment = oneOf("payment", "", "unpaid", "paid", "unheard of")
		e.Fulfillment = oneOf("fulfillment", "", "unfulfilled", "fulfilled", "odd")
		e.Full = rapid.Bool().Draw(t, "full")
		return e
	})
}

// deliver does what the dedupe transaction does with its table, and the workflow with its waiting, in memory.
func deliver(t require.TestingT, deliveries []told) inorder.Order {
	var order inorder.Order
	var waiting []inorder.Change
	processed := map[string]bool{}
	for _, e := range deliveries {
		if processed[e.ID] {
			continue
		}
		processed[e.ID] = true
		parsed, err := inorder.ParseEvent(e.body())
		require.NoError(t, err)
		c, err := parsed.Change()
		require.NoError(t, err)
		d := order.Apply(c)
		order = d.Order
		if d.Outcome == inorder.Waiting {
			waiting = append(waiting, c)
		}
		if d.Created {
			for _, c := range waiting {
				d := order.Apply(c)
				require.NotEqual(t, inorder.Waiting, d.Outcome)
				order = d.Order
			}
		}
	}
	return order
}

// model says what the order must be in the end, by sorting: whatever comes last overwrites.
func model(history []told) inorder.Order {
	if !slices.ContainsFunc(history, func(e told) bool { return e.Type == "order.created" }) {
		return inorder.Order{}
	}
	o := inorder.Order{ID: "order_1"}
	last := func(dst *inorder.Aspect, lifecycle string, value func(told) string) {
		for _, e := range sorted(history, func(e told) string { return place(lifecycle, value(e)) + value(e) }) {
			if v := value(e); v != "" {
				*dst = inorder.Aspect{Value: v, At: e.at()}
			}
		}
	}
	last(&o.Status, statusLife, statusOf)
	last(&o.PaymentStatus, paymentLife, paymentOf)
	last(&o.FulfillmentStatus, fulfillmentLife, fulfillmentOf)

	further := func(e told) string {
		return place(statusLife, e.Status) + place(paymentLife, e.Payment) + place(fulfillmentLife, e.Fulfillment) + e.ID
	}
	for _, e := range sorted(history, further) {
		if !aboutTheOrder(e) || e.Type != "order.created" && (!e.Full || e.Status == "") {
			continue
		}
		o.Snapshot = inorder.Snapshot{StoreID: "store_1", Data: e.data(), At: e.at(), EventID: e.ID, Rank: o.Snapshot.Rank}
		if e.Full {
			amount := int64(e.Second)
			o.Snapshot.Number, o.Snapshot.TotalAmount, o.Snapshot.Currency = e.ID, &amount, "KRW"
		}
		// The rank is the code's own measure; what matters is which snapshot it lets win.
		parsed, _ := inorder.ParseEvent(e.body())
		c, _ := parsed.Change()
		o.Snapshot.Rank = c.Snapshot.Rank
	}
	for _, e := range sorted(history, func(e told) string { kind, status := partOf(e); return place(partLife[kind], status) + e.ID }) {
		if e.PartID == "" {
			continue
		}
		if o.Parts == nil {
			o.Parts = map[inorder.PartKey]inorder.Part{}
		}
		kind, status := partOf(e)
		amount := int64(5)
		o.Parts[inorder.PartKey{Kind: kind, ID: e.PartID}] = inorder.Part{Kind: kind, ID: e.PartID, Status: status, Amount: &amount,
			Currency: "KRW", Data: e.data(), At: e.at(), EventID: e.ID}
	}
	for _, e := range history {
		says := e.PartID != "" || e.Type == "order.created" || statusOf(e)+paymentOf(e)+fulfillmentOf(e) != ""
		if says && e.at().After(o.LastWebhookAt) {
			o.LastWebhookAt = e.at()
		}
	}
	return o
}

const (
	statusLife      = "draft pending confirmed processing completed cancelled"
	paymentLife     = "unpaid awaiting_payment partially_paid paid partially_refunded refunded"
	fulfillmentLife = "unfulfilled partially_fulfilled fulfilled returned"
)

var partLife = map[string]string{
	"payment":     "pending failed cancelled completed refunded",
	"fulfillment": "pending shipped delivered cancelled",
	"refund":      "pending failed completed",
	"return":      "requested approved rejected received completed cancelled",
}

// place is a letter that sorts like the value's place in its lifecycle: "a" for none.
func place(lifecycle, value string) string {
	return string(rune('b' + slices.Index(strings.Fields(lifecycle), value)))
}

// sorted is the history by time, and within a second by what comes later there.
func sorted(history []told, within func(told) string) []told {
	return slices.SortedFunc(slices.Values(history), func(a, b told) int {
		return cmp.Or(a.at().Compare(b.at()), strings.Compare(within(a), within(b)))
	})
}

func aboutTheOrder(e told) bool { return e.PartID == "" && e.Type != "product.updated" }

func statusOf(e told) string {
	return spoken(e, e.Status, map[string]string{"order.confirmed": "confirmed", "order.completed": "completed", "order.cancelled": "cancelled"})
}

func paymentOf(e told) string {
	return spoken(e, e.Payment, map[string]string{"order.paid": "paid"})
}

func fulfillmentOf(e told) string {
	return spoken(e, e.Fulfillment, map[string]string{"order.fulfilled": "fulfilled"})
}

func spoken(e told, inData string, byType map[string]string) string {
	if !aboutTheOrder(e) {
		return ""
	}
	return cmp.Or(inData, byType[e.Type])
}

func partOf(e told) (kind, status string) {
	kind, verb, _ := strings.Cut(e.Type, ".")
	byType := map[string]string{"payment.refunded": "completed", "refund.created": "pending", "return.lost": ""}
	if e.Type == "payment.refunded" {
		kind = "refund"
	}
	implied, special := byType[e.Type]
	if !special {
		implied = verb
	}
	return kind, cmp.Or(e.PartStatus, implied)
}
