package inorder_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestApplyKeepsParts(t *testing.T) {
	created := change(t, "evt_0", "order.created", at(10), `{"id":"order_1"}`)
	refund := func(event, id string, minutes int, amount string) inorder.Change {
		return change(t, event, "payment.refunded", at(minutes),
			fmt.Sprintf(`{"id":%q,"order_id":"order_1","amount":{"amount":%s,"currency":"KRW"}}`, id, amount))
	}
	t.Run("refunds add up, however old they are", func(t *testing.T) {
		d := apply(inorder.Order{}, created, refund("evt_1", "ref_1", 1, "500"), refund("evt_2", "ref_2", 0, "300"))
		require.Equal(t, inorder.Applied, d.Outcome)
		require.Len(t, d.Order.Parts, 2)
		require.Equal(t, int64(500), *d.Order.Parts[inorder.PartKey{Kind: "refund", ID: "ref_1"}].Amount)
		require.Equal(t, int64(300), *d.Order.Parts[inorder.PartKey{Kind: "refund", ID: "ref_2"}].Amount)
	})
	t.Run("an older state of the same part is stale and says what it lost against", func(t *testing.T) {
		d := apply(inorder.Order{}, created,
			change(t, "evt_1", "fulfillment.delivered", at(3), `{"id":"ful_1","order_id":"order_1"}`),
			change(t, "evt_2", "fulfillment.shipped", at(2), `{"id":"ful_1","order_id":"order_1"}`))
		require.Equal(t, inorder.Stale, d.Outcome)
		require.Equal(t, `the fulfillment has been "delivered" since 2025-01-15T10:03:00Z`, d.Detail)
	})
	t.Run("parts of the same ID and another kind do not meet", func(t *testing.T) {
		d := apply(inorder.Order{}, created,
			change(t, "evt_1", "fulfillment.created", at(3), `{"id":"x_1","order_id":"order_1"}`),
			change(t, "evt_2", "return.requested", at(2), `{"id":"x_1","order_id":"order_1"}`))
		require.Equal(t, inorder.Applied, d.Outcome)
		require.Len(t, d.Order.Parts, 2)
	})
	t.Run("a part says nothing about the order's statuses", func(t *testing.T) {
		d := apply(inorder.Order{}, created, change(t, "evt_1", "fulfillment.delivered", at(11), `{"id":"ful_1","order_id":"order_1"}`))
		require.Zero(t, d.Order.FulfillmentStatus)
		require.Zero(t, d.Order.Status)
		require.Equal(t, at(11), d.Order.LastWebhookAt)
	})
}

func TestPartsOfTheSameTimeGoByTheirLifecycle(t *testing.T) {
	created := change(t, "evt_0", "order.created", at(10), `{"id":"order_1"}`)
	for kind, lifecycle := range map[string][]string{
		"payment":     {"of another platform", "pending", "failed", "cancelled", "completed", "refunded"},
		"fulfillment": {"of another platform", "pending", "shipped", "delivered", "cancelled"},
		"refund":      {"of another platform", "pending", "failed", "completed"},
		"return":      {"of another platform", "requested", "approved", "rejected", "received", "completed", "cancelled"},
	} {
		for i := 1; i < len(lifecycle); i++ {
			lower, higher := lifecycle[i-1], lifecycle[i]
			t.Run(kind+" of the same time: "+higher+" beats "+lower, func(t *testing.T) {
				l := change(t, "evt_2", kind+".changed", at(1), fmt.Sprintf(`{"id":"x_1","order_id":"order_1","status":%q}`, lower))
				h := change(t, "evt_1", kind+".changed", at(1), fmt.Sprintf(`{"id":"x_1","order_id":"order_1","status":%q}`, higher))
				a, b := apply(inorder.Order{}, created, l, h), apply(inorder.Order{}, created, h, l)
				require.Equal(t, inorder.Applied, a.Outcome)
				require.Equal(t, inorder.Stale, b.Outcome)
				require.Equal(t, a.Order, b.Order)
			})
		}
	}
}
