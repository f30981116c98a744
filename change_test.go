package inorder_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
)

// said is a short form of Change: what the event says, without the fields that every event has.
type said struct {
	creates                      bool
	status, payment, fulfillment string
	snapshot                     bool
	part                         string // kind, ID and status
	empty                        bool
}

// changeCase is an event, and what it says.
type changeCase struct {
	eventType, data string
	want            said
}

const fullOrder = `{"id":"order_1","number":1001,"status":"confirmed","payment_status":"paid","fulfillment_status":"unfulfilled","total":{"amount":78000,"currency":"KRW"}}`

var changesOfOrders = map[string]changeCase{
	"order.created, full":   {"order.created", fullOrder, said{creates: true, status: "confirmed", payment: "paid", fulfillment: "unfulfilled", snapshot: true}},
	"order.created, sparse": {"order.created", `{"id":"order_1"}`, said{creates: true, snapshot: true}},
	"order.confirmed, full": {"order.confirmed", fullOrder, said{status: "confirmed", payment: "paid", fulfillment: "unfulfilled", snapshot: true}},
	"order.confirmed, full, with its parts": {"order.confirmed", `{"id":"order_1","status":"confirmed","lines":[],
		"payments":[{"id":"pay_1","status":"completed"}],"fulfillments":[{"id":"ful_1","status":"pending"}],
		"refunds":[{"id":"ref_1","status":"completed","amount":{"amount":5,"currency":"KRW"}}],"returns":[{"id":"ret_1","status":"requested"}]}`,
		said{status: "confirmed", snapshot: true, part: "payment pay_1 completed" + "fulfillment ful_1 pending" + "refund ref_1 completed" + "return ret_1 requested"}},
	"order.confirmed, sparse, with payments": {"order.confirmed", `{"id":"order_1","payments":[{"id":"pay_1","status":"completed"}]}`, said{status: "confirmed"}},
	"order.reconciled": {"order.reconciled", `{"id":"order_1","status":"confirmed",
		"payments":[{"id":"pay_1","status":"completed"}],"fulfillments":[{"id":"ful_1","status":"pending"}],
		"refunds":[{"id":"ref_1","status":"completed","amount":{"amount":5,"currency":"KRW"}}]}`,
		said{creates: true, status: "confirmed", snapshot: true, part: "payment pay_1 completed" + "fulfillment ful_1 pending" + "refund ref_1 completed"}},
	"order.reconciled, without parts": {"order.reconciled", `{"id":"order_1","payments":null,"refunds":[]}`, said{creates: true, snapshot: true}},
	"order.confirmed, sparse":         {"order.confirmed", `{"id":"order_1"}`, said{status: "confirmed"}},
	"order.completed, sparse":         {"order.completed", `{"id":"order_1"}`, said{status: "completed"}},
	"order.cancelled, sparse":         {"order.cancelled", `{"id":"order_1"}`, said{status: "cancelled"}},
	"order.paid, sparse":              {"order.paid", `{"id":"order_1"}`, said{payment: "paid"}},
	"order.paid, in part":             {"order.paid", `{"id":"order_1","payment_status":"partially_paid"}`, said{payment: "partially_paid"}},
	"order.paid, null status":         {"order.paid", `{"id":"order_1","payment_status":null,"status":null}`, said{payment: "paid"}},
	"order.fulfilled, sparse":         {"order.fulfilled", `{"id":"order_1"}`, said{fulfillment: "fulfilled"}},
	"order.updated":                   {"order.updated", `{"id":"order_1","status":"processing"}`, said{status: "processing"}},
	"order.updated, with lines":       {"order.updated", `{"id":"order_1","status":"processing","lines":[]}`, said{status: "processing", snapshot: true}},
	"order.updated, no status":        {"order.updated", `{"id":"order_1","lines":[],"total":{"amount":1}}`, said{empty: true}},
	"order.updated, says nothing":     {"order.updated", `{"id":"order_1"}`, said{empty: true}},
	"an unknown order type":           {"order.held", `{"id":"order_1","status":"on_hold","fulfillment_status":"held"}`, said{status: "on_hold", fulfillment: "held"}},
	"data is believed before the type": {"order.cancelled", `{"id":"order_1","status":"completed"}`,
		said{status: "completed"}},
}

var changesOfParts = map[string]changeCase{
	"payment.completed with the order": {"payment.completed", fullOrder, said{status: "confirmed", payment: "paid", fulfillment: "unfulfilled", snapshot: true}},
	"payment.completed with a Payment": {"payment.completed", `{"id":"pay_1","order_id":"order_1","provider":"stripe","amount":{"amount":5,"currency":"KRW"}}`,
		said{part: "payment pay_1 completed"}},
	"payment.completed with an order that says nothing": {"payment.completed", `{"id":"order_1"}`, said{empty: true}},
	"payment.failed with the order":                     {"payment.failed", `{"id":"order_1","payment_status":"unpaid","error":{"code":"declined"}}`, said{payment: "unpaid"}},
	"payment.failed with a Payment":                     {"payment.failed", `{"id":"pay_1","order_id":"order_1"}`, said{part: "payment pay_1 failed"}},
	"payment.created":                                   {"payment.created", `{"id":"pay_1","order_id":"order_1"}`, said{part: "payment pay_1 pending"}},
	"payment.refunded":                                  {"payment.refunded", `{"id":"ref_1","order_id":"order_1","amount":{"amount":5,"currency":"KRW"}}`, said{part: "refund ref_1 completed"}},
	"payment.refunded, pending":                         {"payment.refunded", `{"id":"ref_1","order_id":"order_1","status":"pending"}`, said{part: "refund ref_1 pending"}},
	"payment.refunded without its own ID":               {"payment.refunded", `{"order_id":"order_1"}`, said{part: "refund evt_1 completed"}},
	"an unknown payment type":                           {"payment.disputed", `{"id":"pay_1","order_id":"order_1"}`, said{part: "payment pay_1 "}},
	"refund.created":                                    {"refund.created", `{"id":"ref_1","order_id":"order_1"}`, said{part: "refund ref_1 pending"}},
	"refund.failed":                                     {"refund.failed", `{"id":"ref_1","order_id":"order_1"}`, said{part: "refund ref_1 failed"}},
	"fulfillment.created":                               {"fulfillment.created", `{"id":"ful_1","order_id":"order_1"}`, said{part: "fulfillment ful_1 pending"}},
	"fulfillment.shipped":                               {"fulfillment.shipped", `{"id":"ful_1","order_id":"order_1"}`, said{part: "fulfillment ful_1 shipped"}},
	"fulfillment.delivered":                             {"fulfillment.delivered", `{"id":"ful_1","order_id":"order_1","status":"delivered"}`, said{part: "fulfillment ful_1 delivered"}},
	"return.requested":                                  {"return.requested", `{"id":"ret_1","order_id":"order_1"}`, said{part: "return ret_1 requested"}},
	"return.completed":                                  {"return.completed", `{"id":"ret_1","order_id":"order_1","exchange_order_id":"order_2"}`, said{part: "return ret_1 completed"}},
	"an unknown status of a part":                       {"return.requested", `{"id":"ret_1","order_id":"order_1","status":"lost"}`, said{part: "return ret_1 lost"}},
}

var changesOfNothing = map[string]changeCase{
	"product.updated":              {"product.updated", `{"id":"prod_1"}`, said{empty: true}},
	"inventory.low":                {"inventory.low", `{"status":7}`, said{empty: true}},
	"customer.created":             {"customer.created", `[]`, said{empty: true}},
	"a type nobody has documented": {"subscription.renewed", `null`, said{empty: true}},
}

func TestChangeOfEveryType(t *testing.T) {
	for _, cases := range []map[string]changeCase{changesOfOrders, changesOfParts, changesOfNothing} {
		for name, tc := range cases {
			t.Run(name, func(t *testing.T) {
				c, err := event(t, tc.eventType, tc.data).Change()
				require.NoError(t, err)
				got := said{creates: c.Creates, status: c.Status, payment: c.PaymentStatus, fulfillment: c.FulfillmentStatus,
					snapshot: c.Snapshot != nil, empty: c.Empty()}
				for _, p := range c.Parts {
					got.part += p.Kind + " " + p.ID + " " + p.Status
				}
				require.Equal(t, tc.want, got)
			})
		}
	}
}

func TestChangeNeedsNoTimeOutsideTheOrderFamilies(t *testing.T) {
	e, err := inorder.ParseEvent([]byte(`{"type":"product.updated"}`))
	require.NoError(t, err)
	c, err := e.Change()
	require.NoError(t, err)
	require.True(t, c.Empty())
}

func TestChangeRefusesToGuess(t *testing.T) {
	for name, tc := range map[string]struct{ eventType, data, want string }{
		"data is null":                        {"order.paid", `null`, "data must be a JSON object"},
		"data is a string":                    {"order.paid", `"order_1"`, "data must be a JSON object"},
		"data is an array":                    {"order.paid", `[{"id":"order_1"}]`, "data must be a JSON object"},
		"no order ID in an order":             {"order.paid", `{}`, "there is no order ID: data.order_id or data.id must be"},
		"an order ID of another kind":         {"order.paid", `{"id":1001}`, "there is no order ID"},
		"no order ID in a part":               {"fulfillment.shipped", `{"id":"ful_1"}`, "there is no order ID: data.order_id must be"},
		"no order ID in a Refund":             {"payment.refunded", `{"id":"ref_1"}`, "there is no order ID: data.order_id must be"},
		"a status that is a number":           {"order.updated", `{"id":"order_1","status":3}`, "data.status must be a string"},
		"a payment_status that is an object":  {"order.updated", `{"id":"order_1","payment_status":{}}`, "data.payment_status must be a string"},
		"a fulfillment_status that is a bool": {"order.updated", `{"id":"order_1","fulfillment_status":true}`, "data.fulfillment_status must be a string"},
		"a number with a fraction":            {"order.created", `{"id":"order_1","number":1001.5}`, "data.number must be an integer or a string"},
		"a number with an exponent":           {"order.created", `{"id":"order_1","number":1e3}`, "data.number must be an integer or a string"},
		"a total that is no money":            {"order.created", `{"id":"order_1","total":78000}`, `data.total must be {"amount", "currency"}`},
		"an amount with a fraction":           {"order.created", `{"id":"order_1","total":{"amount":780.5}}`, "data.total.amount must be an integer in minor units"},
		"an amount that is a string":          {"order.created", `{"id":"order_1","total":{"amount":"78000"}}`, "data.total.amount must be an integer"},
		"an amount of 2^63":                   {"order.created", `{"id":"order_1","total":{"amount":9223372036854775808}}`, "data.total.amount must be an integer"},
		"a currency that is a number":         {"order.created", `{"id":"order_1","total":{"amount":1,"currency":410}}`, "data.total.currency must be a string"},
		"a part's ID that is a number":        {"return.requested", `{"id":1,"order_id":"order_1"}`, "data.id must be a string"},
		"a part's status that is a number":    {"return.requested", `{"id":"ret_1","order_id":"order_1","status":1}`, "data.status must be a string"},
		"a part's amount that is no money":    {"payment.refunded", `{"order_id":"order_1","amount":"5"}`, `data.amount must be {"amount", "currency"}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := event(t, tc.eventType, tc.data).Change()
			require.ErrorContains(t, err, tc.want)
		})
	}
	t.Run("no usable created_at", func(t *testing.T) {
		for _, body := range []string{
			`{"type":"order.created","data":{"id":"order_1"}}`,
			`{"type":"order.created","data":{"id":"order_1"},"created_at":"yesterday"}`,
			`{"type":"order.created","data":{"id":"order_1"},"created_at":1736937000}`,
			`{"type":"order.created","data":{"id":"order_1"},"created_at":"0000-01-01T00:00:00Z"}`,
		} {
			e, err := inorder.ParseEvent([]byte(body))
			require.NoError(t, err)
			_, err = e.Change()
			require.ErrorContains(t, err, "the event has no usable time: created_at must be an RFC 3339 time", body)
		}
	})
}

func TestSnapshotIsKeptExactly(t *testing.T) {
	for name, tc := range map[string]struct {
		data, number, currency string
		amount                 *int64
	}{
		"number is an integer":         {`{"id":"order_1","number":1001}`, "1001", "", nil},
		"number is a string":           {`{"id":"order_1","number":"A-1001"}`, "A-1001", "", nil},
		"number is negative":           {`{"id":"order_1","number":-3}`, "-3", "", nil},
		"number is beyond 2^53":        {`{"id":"order_1","number":9007199254740993}`, "9007199254740993", "", nil},
		"number is beyond 2^64":        {`{"id":"order_1","number":123456789012345678901234567890}`, "123456789012345678901234567890", "", nil},
		"number is null":               {`{"id":"order_1","number":null}`, "", "", nil},
		"the total is beyond 2^53":     {`{"id":"order_1","total":{"amount":9007199254740993,"currency":"KRW"}}`, "", "KRW", ptr(9007199254740993)},
		"the total is the largest":     {`{"id":"order_1","total":{"amount":9223372036854775807}}`, "", "", ptr(9223372036854775807)},
		"the total is zero":            {`{"id":"order_1","total":{"amount":0,"currency":"KRW"}}`, "", "KRW", ptr(0)},
		"the total has only currency":  {`{"id":"order_1","total":{"amount":null,"currency":"KRW"}}`, "", "KRW", nil},
		"data is not touched":          {"{\"id\":\"order_1\", \"x\" : 1.10, \"note\":\"<&>\\u0041\"}", "", "", nil},
		"numbers anywhere in the data": {`{"id":"order_1","lines":[{"sku":9007199254740993}]}`, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := event(t, "order.created", tc.data)
			c, err := e.Change()
			require.NoError(t, err)
			require.Equal(t, &inorder.Snapshot{
				Number: tc.number, TotalAmount: tc.amount, Currency: tc.currency,
				Data: []byte(tc.data), At: e.OccurredAt, EventID: "evt_1",
			}, c.Snapshot)
		})
	}
}

func ptr(n int64) *int64 { return &n }
