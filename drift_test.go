package inorder_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
)

const theirs = `{"id":"order_1","number":7,"status":"confirmed","payment_status":"paid","fulfillment_status":"unfulfilled","note":"<&>",
	"total":{"amount":500,"currency":"KRW"},"refunded_total":{"amount":0,"currency":"KRW"},
	"payments":[{"id":"pay_1","status":"completed","amount":{"amount":500,"currency":"KRW"}}],"fulfillments":[],"refunds":[]}`

// ours returns what is known after events that say everything in theirs.
func ours(t testing.TB, more ...inorder.Change) inorder.Order {
	created := change(t, "evt_1", "order.created", at(0), `{"id":"order_1","status":"pending","payment_status":"unpaid","fulfillment_status":"unfulfilled","total":{"amount":500,"currency":"KRW"}}`)
	paid := change(t, "evt_2", "order.confirmed", at(1), theirs)
	return apply(inorder.Order{}, append([]inorder.Change{created, paid}, more...)...).Order
}

func compare(t testing.TB, o inorder.Order, raw string, minutes int) inorder.Comparison {
	t.Helper()
	c, err := o.Compare([]byte(raw), at(minutes), "store_1")
	require.NoError(t, err)
	return c
}

// repaired returns the order after the comparison's repair.
func repaired(t testing.TB, o inorder.Order, c inorder.Comparison) inorder.Order {
	t.Helper()
	parsed, err := inorder.ParseEvent(c.Repair.Body)
	require.NoError(t, err)
	change, err := parsed.Change()
	require.NoError(t, err)
	d := o.Apply(change)
	require.Equal(t, inorder.Applied, d.Outcome)
	return d.Order
}

func texts(differences []inorder.Difference) (list []string) {
	for _, d := range differences {
		list = append(list, d.String())
	}
	return list
}

func TestCompareReturnsWhatDiffers(t *testing.T) {
	with := func(old, new string) string { return replaceOnce(theirs, old, new) }
	for name, tc := range map[string]struct {
		theirs string
		found  inorder.Drift
		want   []string
	}{
		"nothing":                       {theirs, inorder.DriftNone, nil},
		"nothing that counts: a note":   {with(`"<&>"`, `"other"`), inorder.DriftNone, nil},
		"a status that they do not say": {with(`"payment_status":"paid"`, `"payment_status":null`), inorder.DriftNone, nil},
		"the status":                    {with(`"confirmed"`, `"completed"`), inorder.DriftDifferent, []string{"status is confirmed, the platform has completed"}},
		"the payment status":            {with(`"paid"`, `"partially_refunded"`), inorder.DriftDifferent, []string{"payment_status is paid, the platform has partially_refunded"}},
		"the fulfillment status":        {with(`"unfulfilled"`, `"fulfilled"`), inorder.DriftDifferent, []string{"fulfillment_status is unfulfilled, the platform has fulfilled"}},
		"the total":                     {with(`{"amount":500,`, `{"amount":700,`), inorder.DriftDifferent, []string{"total is 500 KRW, the platform has 700 KRW"}},
		"a part's status":               {with(`"completed"`, `"refunded"`), inorder.DriftDifferent, []string{"payment pay_1 is completed 500 KRW, the platform has refunded 500 KRW"}},
		"a part that is missing": {with(`"fulfillments":[]`, `"fulfillments":[{"id":"ful_1","status":"shipped"}]`), inorder.DriftDifferent,
			[]string{"fulfillment ful_1 is not known, the platform has shipped"}},
		"a refund, and so the sum": {
			replaceOnce(with(`"refunds":[]`, `"refunds":[{"id":"ref_1","status":"completed","amount":{"amount":9,"currency":"KRW"}}]`),
				`"refunded_total":{"amount":0,`, `"refunded_total":{"amount":9,`), inorder.DriftDifferent,
			[]string{"refund ref_1 is not known, the platform has completed 9 KRW", "refunded_total is 0 KRW, the platform has 9 KRW"}},
		"what is not announced": {with(`"confirmed"`, `"processing"`), inorder.DriftSilent, []string{"status is confirmed, the platform has processing"}},
		"what is not announced, and more": {replaceOnce(with(`"confirmed"`, `"processing"`), `"unfulfilled"`, `"fulfilled"`), inorder.DriftDifferent,
			[]string{"status is confirmed, the platform has processing", "fulfillment_status is unfulfilled, the platform has fulfilled"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := ours(t)
			c := compare(t, o, tc.theirs, 9)
			require.Equal(t, tc.found, c.Drift)
			require.Equal(t, tc.want, texts(c.Differences))
			require.Empty(t, c.Unrepairable)
			if c.Drift == inorder.DriftNone {
				return
			}
			o = repaired(t, o, c)
			require.Equal(t, inorder.DriftNone, compare(t, o, tc.theirs, 9).Drift)
		})
	}
}

func replaceOnce(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic("the test replaces what is not there: " + old)
	}
	return strings.Replace(s, old, new, 1)
}

func TestAMissingOrderIsCreatedWithItsParts(t *testing.T) {
	c := compare(t, inorder.Order{}, theirs, 9)
	require.Equal(t, inorder.DriftMissing, c.Drift)
	require.Empty(t, c.Differences)
	o := repaired(t, inorder.Order{}, c)
	require.Equal(t, "order_1", o.ID)
	require.Equal(t, "store_1", o.StoreID)
	require.Equal(t, theirs, string(o.Snapshot.Data), "byte for byte")
	require.Len(t, o.Parts, 1)
	require.Equal(t, inorder.DriftNone, compare(t, o, theirs, 10).Drift)
}

func TestTheRepairOfAComparison(t *testing.T) {
	c := compare(t, inorder.Order{}, theirs, 9)
	require.Equal(t, fmt.Sprintf(`{"id":%q,"type":"order.reconciled","created_at":"2025-01-15T10:08:59.999999Z","data":%s,"store_id":"store_1"}`,
		c.Repair.ID, theirs), string(c.Repair.Body))
	parsed, err := inorder.ParseEvent(c.Repair.Body)
	require.NoError(t, err)
	require.Equal(t, c.Repair, parsed)
	require.Regexp(t, `^inorder-reconcile-[0-9a-f]{46}$`, c.Repair.ID)
}

func TestTheSameDriftHasTheSameID(t *testing.T) {
	completed := replaceOnce(theirs, `"confirmed"`, `"completed"`)
	o := ours(t)
	first := compare(t, o, completed, 5)
	require.Equal(t, first.Repair.ID, compare(t, o, replaceOnce(completed, "<&>", "a note"), 8).Repair.ID, "whenever it is seen")
	require.NotEqual(t, first.Repair.ID, compare(t, o, theirs, 5).Repair.ID)
	require.NotEqual(t, first.Repair.ID, compare(t, inorder.Order{}, completed, 5).Repair.ID)

	// The same difference comes back: completed, then confirmed by an event, then completed again.
	o = repaired(t, o, first)
	o = apply(o, change(t, "evt_3", "order.updated", at(6), `{"id":"order_1","status":"confirmed"}`)).Order
	again := compare(t, o, completed, 7)
	require.Equal(t, first.Differences, again.Differences)
	require.NotEqual(t, first.Repair.ID, again.Repair.ID)
}

func TestWhichDriftARepairRemoved(t *testing.T) {
	said := func(id, raw string, minutes int) inorder.Change {
		return change(t, id, "order.reconciled", at(minutes), raw)
	}
	completed := replaceOnce(theirs, `"confirmed"`, `"completed"`)
	for name, tc := range map[string]struct {
		have inorder.Order
		said inorder.Change
		want inorder.Drift
	}{
		"a missing order":              {inorder.Order{}, said("evt_r", theirs, 5), inorder.DriftMissing},
		"one that differs":             {ours(t), said("evt_r", completed, 5), inorder.DriftDifferent},
		"one that changed silently":    {ours(t), said("evt_r", replaceOnce(theirs, `"confirmed"`, `"processing"`), 5), inorder.DriftSilent},
		"nothing, of the same":         {ours(t), said("evt_r", theirs, 5), inorder.DriftNone},
		"nothing, when it is older":    {ours(t, said("evt_x", completed, 6)), said("evt_r", theirs, 5), inorder.DriftNone},
		"nothing, when it loses a tie": {ours(t, said("evt_a", completed, 6)), said("evt_r", theirs, 6), inorder.DriftNone},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, tc.have.Repaired(tc.said, tc.have.Apply(tc.said).Order))
		})
	}
}

func TestAPartThatCannotBeReadIsLeftOutAndTheRestApplies(t *testing.T) {
	raw := `{"id":"order_1","status":"confirmed","payments":{"id":"pay_1"},"fulfillments":[7,{"id":"ful_1","status":3},{"status":"shipped"},{"id":"ful_2"},
		{"id":"ful_3","status":"shipped"}],"refunds":[{"id":"ref_1","status":"completed"}]}`
	d := apply(inorder.Order{}, change(t, "evt_1", "order.reconciled", at(0), raw))
	require.Equal(t, inorder.Applied, d.Outcome)
	require.Equal(t, "left out: payments must be an array; fulfillments[0] must be a JSON object; fulfillments[1].status must be a string; "+
		"fulfillments[2] has no id; fulfillments[3] has no status; refunds[0] has no amount", d.Detail)
	require.Equal(t, "confirmed", d.Order.Status.Value)
	require.Len(t, d.NewParts, 1)
	require.Equal(t, inorder.DriftNone, compare(t, d.Order, raw, 1).Drift, "what cannot be read is no difference")
}

func TestAnotherOrdersPartIsLeftWhereItIs(t *testing.T) {
	payment := inorder.PartKey{Kind: "payment", ID: "pay_1"}
	have := inorder.Order{Parts: map[inorder.PartKey]inorder.Part{payment: {Kind: "payment", ID: "pay_1", OrderID: "order_2", Status: "pending"}}}
	t.Run("of an order that holds it", func(t *testing.T) {
		d := have.Apply(change(t, "evt_1", "order.reconciled", at(0), theirs))
		require.Equal(t, inorder.Applied, d.Outcome)
		require.Equal(t, "left out: payment pay_1 belongs to another order", d.Detail)
		require.Empty(t, d.NewParts)
		require.Equal(t, "order_2", d.Order.Parts[payment].OrderID)
		require.Equal(t, inorder.DriftNone, compare(t, d.Order, theirs, 1).Drift, "no event could put it here")
	})
	t.Run("of an event that is about nothing else", func(t *testing.T) {
		d := have.Apply(change(t, "evt_1", "payment.created", at(0), `{"id":"pay_1","order_id":"order_1"}`))
		require.Equal(t, inorder.Attention, d.Outcome)
		require.Equal(t, "its payment already belongs to another order", d.Detail)
		require.Equal(t, have, d.Order)
	})
}

func TestAnOrderThatCannotBeReadIsAnError(t *testing.T) {
	for name, raw := range map[string]string{"no ID": `{}`, "a status that is a number": `{"id":"order_1","status":3}`, "no object": `[]`} {
		t.Run(name, func(t *testing.T) {
			_, err := inorder.Order{}.Compare([]byte(raw), at(0), "")
			require.Error(t, err)
		})
	}
}
