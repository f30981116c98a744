package inorder_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestTheAnswerLosesAgainstWebhooksOfItsSecond(t *testing.T) {
	completed := replaceOnce(theirs, `"confirmed"`, `"completed"`)
	asOf := at(9).Add(700 * time.Millisecond) // the platform gives no fraction
	for name, tc := range map[string]struct {
		webhook time.Time
		want    string
	}{
		"a webhook of the answer's second": {at(9), "pending"},
		"a webhook of the second before":   {at(9).Add(-time.Second), "completed"},
	} {
		t.Run(name, func(t *testing.T) {
			webhook := change(t, "evt_3", "order.updated", tc.webhook, `{"id":"order_1","status":"pending"}`)
			before := ours(t)
			c, err := before.Compare([]byte(completed), asOf, "")
			require.NoError(t, err)
			require.Equal(t, at(9).Add(-time.Microsecond), c.Repair.OccurredAt)
			reconciled, err := c.Repair.Change()
			require.NoError(t, err)
			require.Equal(t, tc.want, apply(before, webhook, reconciled).Order.Status.Value)
			require.Equal(t, tc.want, apply(before, reconciled, webhook).Order.Status.Value)
		})
	}
	t.Run("an answer without a time is an error", func(t *testing.T) {
		_, err := inorder.Order{}.Compare([]byte(theirs), time.Time{}, "")
		require.ErrorContains(t, err, "the event has no usable time")
	})
}

func TestAPartWithoutAnIDThatThePlatformDoesNotListIsADifference(t *testing.T) {
	// Nothing else differs: neither a status nor the sum.
	noTotal := replaceOnce(theirs, `"refunded_total":{"amount":0,"currency":"KRW"},`, ``)
	refund := change(t, "evt_3", "payment.refunded", at(3), `{"order_id":"order_1","amount":{"amount":9,"currency":"KRW"}}`)
	o := ours(t, refund)
	c := compare(t, o, noTotal, 9)
	require.Equal(t, inorder.DriftDifferent, c.Drift)
	require.Equal(t, []string{"refund evt_3 is completed 9 KRW, the platform has none with that ID"}, texts(c.Differences))
	require.Empty(t, c.Unrepairable)

	reconciled, err := c.Repair.Change()
	require.NoError(t, err)
	after := repaired(t, o, c)
	require.False(t, after.Counts(refund.Parts[0]))
	require.Equal(t, inorder.DriftDifferent, o.Repaired(reconciled, after))
	require.Equal(t, inorder.DriftNone, compare(t, after, noTotal, 10).Drift)

	t.Run("but not if it is newer, counts no more, or the platform does not list its kind", func(t *testing.T) {
		require.Equal(t, inorder.DriftNone, compare(t, o, noTotal, 3).Drift)
		require.Equal(t, inorder.DriftNone, compare(t, o, replaceOnce(noTotal, `"refunds":[]`, `"refunds":null`), 9).Drift)
		require.Equal(t, inorder.DriftNone, compare(t, o, replaceOnce(noTotal, `"refunds":[]`, `"refunds":[7]`), 9).Drift)
	})
	t.Run("and one that comes back is repaired by another event", func(t *testing.T) {
		// The part counts again, as if its row had been rewritten; the rest of the order is as it was after the repair.
		o.LastWebhookAt = after.LastWebhookAt
		require.NotEqual(t, compare(t, o, noTotal, 10).Repair.ID, compare(t, after, noTotal, 10).Repair.ID)
	})
}

func TestARefundWithoutAnIDIsRepaired(t *testing.T) {
	refunded := replaceOnce(replaceOnce(theirs, `"refunded_total":{"amount":0,`, `"refunded_total":{"amount":9,`),
		`"refunds":[]`, `"refunds":[{"id":"re_1","status":"completed","amount":{"amount":9,"currency":"KRW"}}]`)
	refund := change(t, "evt_3", "payment.refunded", at(3), `{"order_id":"order_1","amount":{"amount":9,"currency":"KRW"}}`)
	t.Run("that came first", func(t *testing.T) {
		o := ours(t, refund)
		o = repaired(t, o, compare(t, o, refunded, 9))
		require.Equal(t, inorder.DriftNone, compare(t, o, refunded, 10).Drift)
	})
	t.Run("that comes after the order was fetched", func(t *testing.T) {
		o := repaired(t, inorder.Order{}, compare(t, inorder.Order{}, refunded, 9))
		d := o.Apply(refund)
		require.Equal(t, inorder.Stale, d.Outcome)
		require.Equal(t, inorder.DriftNone, compare(t, d.Order, refunded, 10).Drift)
	})
}

func TestADriftThatARepairWouldNotEndHasAReason(t *testing.T) {
	t.Run("something newer is known than the platform's answer", func(t *testing.T) {
		o := ours(t, change(t, "evt_3", "order.completed", at(20), `{"id":"order_1"}`))
		c := compare(t, o, theirs, 9)
		require.Equal(t, inorder.DriftDifferent, c.Drift)
		require.Contains(t, c.Unrepairable, "newer")
	})
	t.Run("a refund without an ID of its own would count twice", func(t *testing.T) {
		refunded := replaceOnce(replaceOnce(theirs, `"refunded_total":{"amount":0,`, `"refunded_total":{"amount":9,`),
			`"refunds":[]`, `"refunds":[{"id":"ref_1","status":"completed","amount":{"amount":9,"currency":"KRW"}}]`)
		for name, tc := range map[string]struct {
			minutes int
			theirs  string
		}{
			"because it is as new as the answer":                   {9, refunded},
			"because something else in the list could not be read": {3, replaceOnce(refunded, `"refunds":[`, `"refunds":[7,`)},
		} {
			o := ours(t, change(t, "evt_3", "payment.refunded", at(tc.minutes), `{"order_id":"order_1","amount":{"amount":9,"currency":"KRW"}}`))
			require.Equal(t, "after the repair, refunded_total is 18 KRW, the platform has 9 KRW", compare(t, o, tc.theirs, 9).Unrepairable, name)
			require.Empty(t, compare(t, o, refunded, 10).Unrepairable, "but the next answer heals it")
		}
	})
	t.Run("the order is of another store", func(t *testing.T) {
		o := ours(t)
		o.StoreID = "store_2"
		c := compare(t, o, replaceOnce(theirs, `"confirmed"`, `"completed"`), 9)
		require.Contains(t, c.Unrepairable, `it names store "store_1", but its order belongs to store "store_2"`)
	})
	t.Run("a sum that no refund explains", func(t *testing.T) {
		c := compare(t, ours(t), replaceOnce(theirs, `"refunded_total":{"amount":0,`, `"refunded_total":{"amount":9,`), 9)
		require.Equal(t, inorder.DriftDifferent, c.Drift)
		require.Contains(t, c.Unrepairable, "refunded_total is 0 KRW, the platform has 9 KRW")
	})
	t.Run("but part of a difference is better than nothing", func(t *testing.T) {
		raw := replaceOnce(replaceOnce(theirs, `"refunded_total":{"amount":0,`, `"refunded_total":{"amount":9,`), `"confirmed"`, `"completed"`)
		require.Empty(t, compare(t, ours(t), raw, 9).Unrepairable)
	})
}
