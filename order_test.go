package inorder_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
)

// at is 10:00 plus so many minutes.
func at(minutes int) time.Time {
	return time.Date(2025, 1, 15, 10, minutes, 0, 0, time.UTC)
}

// change is what an event of that type, time and data says about order_1.
func change(t testing.TB, id, eventType string, when time.Time, data string) inorder.Change {
	t.Helper()
	e, err := inorder.ParseEvent(fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"data":%s}`,
		id, eventType, when.Format(time.RFC3339Nano), data))
	require.NoError(t, err)
	c, err := e.Change()
	require.NoError(t, err)
	return c
}

// apply applies changes in the order they are given and returns the last decision.
func apply(o inorder.Order, changes ...inorder.Change) (d inorder.Decision) {
	for _, c := range changes {
		d = o.Apply(c)
		o = d.Order
	}
	return d
}

func TestApplyCreatesTheOrder(t *testing.T) {
	d := apply(inorder.Order{}, change(t, "evt_1", "order.created", at(0),
		`{"id":"order_1","number":7,"status":"pending","payment_status":"unpaid","total":{"amount":500,"currency":"KRW"}}`))

	require.Equal(t, inorder.Applied, d.Outcome)
	require.True(t, d.Created)
	require.True(t, d.NewSnapshot)
	require.Equal(t, "order_1", d.Order.ID)
	require.Equal(t, inorder.Aspect{Value: "pending", At: at(0)}, d.Order.Status)
	require.Equal(t, inorder.Aspect{Value: "unpaid", At: at(0)}, d.Order.PaymentStatus)
	require.Equal(t, inorder.Aspect{}, d.Order.FulfillmentStatus)
	require.Equal(t, "7", d.Order.Snapshot.Number)
	require.Equal(t, at(0), d.Order.LastWebhookAt)
}

func TestApplyWaitsForItsOrder(t *testing.T) {
	for eventType, data := range map[string]string{
		"order.paid":          `{"id":"order_1"}`,
		"order.confirmed":     `{"id":"order_1","status":"confirmed","total":{"amount":1}}`,
		"payment.completed":   `{"id":"order_1","payment_status":"paid"}`,
		"payment.refunded":    `{"id":"ref_1","order_id":"order_1"}`,
		"fulfillment.shipped": `{"id":"ful_1","order_id":"order_1"}`,
		"return.requested":    `{"id":"ret_1","order_id":"order_1"}`,
	} {
		t.Run(eventType, func(t *testing.T) {
			d := apply(inorder.Order{}, change(t, "evt_1", eventType, at(0), data))
			require.Equal(t, inorder.Waiting, d.Outcome)
			require.Equal(t, "its order has not been created yet", d.Detail)
			require.Zero(t, d.Order)
		})
	}
}

func TestApplyIgnoresWhatSaysNothing(t *testing.T) {
	for name, o := range map[string]inorder.Order{"of a missing order": {}, "of an order": {ID: "order_1"}} {
		t.Run(name, func(t *testing.T) {
			d := apply(o, change(t, "evt_1", "order.updated", at(0), `{"id":"order_1"}`))
			require.Equal(t, inorder.Ignored, d.Outcome)
			require.NotEmpty(t, d.Detail)
			require.Equal(t, o, d.Order)
		})
	}
}

func TestApplyJudgesEachAspectAlone(t *testing.T) {
	created := change(t, "evt_1", "order.created", at(0), `{"id":"order_1","status":"pending","payment_status":"unpaid"}`)
	confirmed := change(t, "evt_2", "order.confirmed", at(2), `{"id":"order_1","status":"confirmed"}`)

	t.Run("an older event about another aspect applies", func(t *testing.T) {
		d := apply(inorder.Order{}, created, confirmed, change(t, "evt_3", "order.paid", at(1), `{"id":"order_1"}`))
		require.Equal(t, inorder.Applied, d.Outcome)
		require.Equal(t, inorder.Aspect{Value: "paid", At: at(1)}, d.Order.PaymentStatus)
		require.Equal(t, inorder.Aspect{Value: "confirmed", At: at(2)}, d.Order.Status)
		require.Equal(t, at(2), d.Order.LastWebhookAt, "it never goes back")
	})
	t.Run("an older event applies in the part that is not stale", func(t *testing.T) {
		d := apply(inorder.Order{}, created, confirmed,
			change(t, "evt_3", "order.updated", at(1), `{"id":"order_1","status":"pending","fulfillment_status":"fulfilled"}`))
		require.Equal(t, inorder.Applied, d.Outcome)
		require.Equal(t, "confirmed", d.Order.Status.Value)
		require.Equal(t, "fulfilled", d.Order.FulfillmentStatus.Value)
	})
}

func TestAStaleChangeSaysWhatItLostAgainst(t *testing.T) {
	created := change(t, "evt_1", "order.created", at(0), `{"id":"order_1","status":"pending","payment_status":"unpaid"}`)
	confirmed := change(t, "evt_2", "order.confirmed", at(2), `{"id":"order_1","status":"confirmed"}`)

	t.Run("an older event about the same aspect", func(t *testing.T) {
		before := apply(inorder.Order{}, created, confirmed).Order
		d := apply(before, change(t, "evt_3", "order.updated", at(1), `{"id":"order_1","status":"cancelled"}`))
		require.Equal(t, inorder.Stale, d.Outcome)
		require.Equal(t, `status has been "confirmed" since 2025-01-15T10:02:00Z`, d.Detail)
		require.Equal(t, before, d.Order)
	})
	t.Run("names every aspect, the snapshot and the time in UTC", func(t *testing.T) {
		seoul := time.FixedZone("KST", 9*60*60)
		o := inorder.Order{
			ID:                "order_1",
			Status:            inorder.Aspect{Value: "completed", At: at(5).In(seoul)},
			PaymentStatus:     inorder.Aspect{Value: "paid", At: at(4).In(seoul)},
			FulfillmentStatus: inorder.Aspect{Value: "fulfilled", At: at(3).Add(time.Microsecond).In(seoul)},
			Snapshot:          inorder.Snapshot{At: at(5).In(seoul), EventID: "evt_9"},
		}
		d := o.Apply(change(t, "evt_3", "order.updated", at(2),
			`{"id":"order_1","status":"pending","payment_status":"unpaid","fulfillment_status":"unfulfilled","lines":[]}`))
		require.Equal(t, inorder.Stale, d.Outcome)
		require.Equal(t, `status has been "completed" since 2025-01-15T10:05:00Z; payment_status has been "paid" since 2025-01-15T10:04:00Z; `+
			`fulfillment_status has been "fulfilled" since 2025-01-15T10:03:00.000001Z; the full order is as of 2025-01-15T10:05:00Z`, d.Detail)
	})
	t.Run("the same change again is stale", func(t *testing.T) {
		require.Equal(t, inorder.Stale, apply(inorder.Order{}, created, confirmed, confirmed).Outcome)
		require.Equal(t, inorder.Stale, apply(inorder.Order{}, created, created).Outcome)
	})
}

func TestApplyKeepsTheSnapshot(t *testing.T) {
	created := change(t, "evt_1", "order.created", at(0), `{"id":"order_1","status":"pending","payment_status":"unpaid"}`)

	t.Run("order.created that comes late fills in what is older than what is known", func(t *testing.T) {
		late := change(t, "evt_0", "order.created", at(-1), `{"id":"order_1","status":"draft","fulfillment_status":"unfulfilled"}`)
		d := apply(inorder.Order{}, created, late)
		require.Equal(t, inorder.Applied, d.Outcome)
		require.False(t, d.Created)
		require.False(t, d.NewSnapshot)
		require.Equal(t, "pending", d.Order.Status.Value)
		require.Equal(t, "unfulfilled", d.Order.FulfillmentStatus.Value)
	})
	t.Run("a sparse event leaves the snapshot alone", func(t *testing.T) {
		d := apply(inorder.Order{}, created, change(t, "evt_3", "order.paid", at(3), `{"id":"order_1","payment_status":"paid"}`))
		require.False(t, d.NewSnapshot)
		require.Equal(t, "evt_1", d.Order.Snapshot.EventID)
	})
}

func TestApplyBreaksTiesByLifecycle(t *testing.T) {
	created := change(t, "evt_0", "order.created", at(0), `{"id":"order_1"}`)
	for aspect, lifecycle := range map[string][]string{
		"status":             {"of another platform", "draft", "pending", "confirmed", "processing", "completed", "cancelled"},
		"payment_status":     {"of another platform", "unpaid", "awaiting_payment", "partially_paid", "paid", "partially_refunded", "refunded"},
		"fulfillment_status": {"of another platform", "unfulfilled", "partially_fulfilled", "fulfilled", "returned"},
	} {
		for i := 1; i < len(lifecycle); i++ {
			lower, higher := lifecycle[i-1], lifecycle[i]
			t.Run(aspect+" "+higher+" beats "+lower, func(t *testing.T) {
				l := change(t, "evt_2", "order.updated", at(1), fmt.Sprintf(`{"id":"order_1",%q:%q}`, aspect, lower))
				h := change(t, "evt_1", "order.updated", at(1), fmt.Sprintf(`{"id":"order_1",%q:%q}`, aspect, higher))

				d := apply(inorder.Order{}, created, l, h)
				require.Equal(t, inorder.Applied, d.Outcome)
				other := apply(inorder.Order{}, created, h, l)
				require.Equal(t, inorder.Stale, other.Outcome)
				require.Equal(t, d.Order, other.Order)
			})
		}
	}
	t.Run("two unknown values of the same time end the same in any order", func(t *testing.T) {
		x := change(t, "evt_1", "order.updated", at(1), `{"id":"order_1","status":"x"}`)
		y := change(t, "evt_2", "order.updated", at(1), `{"id":"order_1","status":"y"}`)
		require.Equal(t, "y", apply(inorder.Order{}, created, x, y).Order.Status.Value)
		require.Equal(t, "y", apply(inorder.Order{}, created, y, x).Order.Status.Value)
	})
	t.Run("two snapshots of the same time: the one further along is kept", func(t *testing.T) {
		pending := change(t, "evt_2", "order.updated", at(1), `{"id":"order_1","status":"pending","lines":[]}`)
		confirmed := change(t, "evt_1", "order.updated", at(1), `{"id":"order_1","status":"confirmed","lines":[]}`)
		require.Equal(t, "evt_1", apply(inorder.Order{}, created, pending, confirmed).Order.Snapshot.EventID)
		require.Equal(t, "evt_1", apply(inorder.Order{}, created, confirmed, pending).Order.Snapshot.EventID)
	})
	t.Run("a newer value wins, however far back in the lifecycle", func(t *testing.T) {
		cancelled := change(t, "evt_1", "order.cancelled", at(1), `{"id":"order_1"}`)
		reopened := change(t, "evt_2", "order.updated", at(2), `{"id":"order_1","status":"draft"}`)
		require.Equal(t, "draft", apply(inorder.Order{}, created, cancelled, reopened).Order.Status.Value)
	})
}

func TestApplyLeavesTheOrderItWasGivenAlone(t *testing.T) {
	created := change(t, "evt_0", "order.created", at(0), `{"id":"order_1"}`)
	refund := change(t, "evt_1", "payment.refunded", at(1), `{"id":"ref_1","order_id":"order_1"}`)
	before := apply(inorder.Order{}, created, refund).Order
	apply(before, change(t, "evt_2", "payment.refunded", at(2), `{"id":"ref_2","order_id":"order_1"}`))
	require.Len(t, before.Parts, 1)
}
