package inorder_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestTheFirstEventThatNamesAStoreSetsIt(t *testing.T) {
	of := func(store string, c inorder.Change) inorder.Change { c.StoreID = store; return c }
	created := change(t, "evt_0", "order.created", at(5), `{"id":"order_1","status":"confirmed"}`)
	sparse := change(t, "evt_1", "order.confirmed", at(6), `{"id":"order_1"}`)
	stale := change(t, "evt_2", "order.updated", at(4), `{"id":"order_1","status":"pending"}`)
	refund := change(t, "evt_3", "payment.refunded", at(3), `{"order_id":"order_1"}`)

	require.Equal(t, "store_1", apply(inorder.Order{}, of("store_1", created)).Order.StoreID)
	require.Empty(t, apply(inorder.Order{}, created).Order.StoreID)
	for name, c := range map[string]inorder.Change{"a sparse one": sparse, "one that is stale otherwise": stale, "one about a part": refund} {
		t.Run(name, func(t *testing.T) {
			d := apply(inorder.Order{}, created, of("store_1", c))
			require.Equal(t, inorder.Applied, d.Outcome)
			require.Equal(t, "store_1", d.Order.StoreID)
			require.Equal(t, inorder.Stale, d.Order.Apply(of("store_1", c)).Outcome, "the second names it for nothing")
		})
	}
	t.Run("and one without a store never clears it", func(t *testing.T) {
		full := change(t, "evt_4", "order.updated", at(7), `{"id":"order_1","status":"completed","lines":[]}`)
		d := apply(inorder.Order{}, of("store_1", created), sparse, stale, full)
		require.True(t, d.NewSnapshot)
		require.Equal(t, "store_1", d.Order.StoreID)
	})
	t.Run("of any permutation", func(t *testing.T) {
		h := story{"c": created, "s": of("store_1", sparse), "t": stale, "r": of("store_1", refund)}
		want, _ := h.inOrder([]string{"c", "s", "t", "r"})
		require.Equal(t, "store_1", want.StoreID)
		for _, order := range permutations([]string{"c", "s", "t", "r"}) {
			got, _ := h.inOrder(order)
			require.Equal(t, want, got, order)
		}
	})
}

func TestAnEventOfAnotherStoreNeedsAPerson(t *testing.T) {
	created := change(t, "evt_0", "order.created", at(0), `{"id":"order_1","status":"pending"}`)
	created.StoreID = "store_1"
	o := apply(inorder.Order{}, created).Order
	for eventType, data := range map[string]string{
		"order.created":    `{"id":"order_1","status":"confirmed"}`,
		"order.paid":       `{"id":"order_1"}`,
		"payment.refunded": `{"order_id":"order_1"}`,
		"order.reconciled": `{"id":"order_1","status":"confirmed"}`,
	} {
		t.Run(eventType, func(t *testing.T) {
			c := change(t, "evt_1", eventType, at(1), data)
			c.StoreID = "store_2"
			d := o.Apply(c)
			require.Equal(t, inorder.Attention, d.Outcome)
			require.Equal(t, `it names store "store_2", but its order belongs to store "store_1": applying it would overwrite another store's order. `+
				"Discard it, and let only one store's webhooks, in one mode, reach this database", d.Detail)
			require.Equal(t, o, d.Order)
			require.Empty(t, d.NewParts)
		})
	}
	t.Run("but not one that says nothing, or whose order is missing", func(t *testing.T) {
		says := change(t, "evt_1", "order.updated", at(1), `{"id":"order_1"}`)
		says.StoreID = "store_2"
		require.Equal(t, inorder.Ignored, o.Apply(says).Outcome)
		paid := change(t, "evt_2", "order.paid", at(1), `{"id":"order_1"}`)
		paid.StoreID = "store_2"
		require.Equal(t, inorder.Waiting, inorder.Order{}.Apply(paid).Outcome)
	})
	t.Run("also if its part is another order's", func(t *testing.T) {
		c := change(t, "evt_1", "payment.created", at(1), `{"id":"pay_1","order_id":"order_1"}`)
		c.StoreID = strings.Repeat("\u200b", 255)
		o := o
		o.Parts = map[inorder.PartKey]inorder.Part{{Kind: "payment", ID: "pay_1"}: {Kind: "payment", ID: "pay_1", OrderID: "order_2"}}
		d := o.Apply(c)
		require.Contains(t, d.Detail, "it names store")
		require.Equal(t, inorder.Bounded(d.Detail), d.Detail)
	})
}
