package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/api"
)

func someOrder() api.OrderView {
	total, refund := int64(52000), int64(1250)
	return api.OrderView{
		Order: api.Order{ID: "order_1", StoreID: "store_1", Number: "1001", Status: "confirmed", PaymentStatus: "paid", FulfillmentStatus: "unfulfilled", TotalAmount: &total, Currency: "KRW",
			LastWebhookAt: ago(time.Hour), CreatedAt: ago(50 * time.Hour), UpdatedAt: ago(3 * time.Minute)},
		Aspects: []api.Aspect{{Name: "status", Value: "confirmed", At: at(time.Hour), EventID: "evt_1"}, {Name: "payment_status", Value: "paid", At: at(time.Hour)}},
		Parts:   []api.Part{{Kind: "refund", ID: "re_1", Status: "completed", Amount: &refund, Currency: "KWD", EventID: "evt_2", Counts: true}, {Kind: "payment", ID: "evt_9", EventID: "evt_9"}},
		Refunds: []api.Refunded{{Currency: "KWD", Amount: 1250, Refunds: 1}},
		Data:    json.RawMessage(`{"email":"a@example.com"}`),
	}
}

func newOrders(t *testing.T) *fakeAdmin {
	return newAdmin(t, map[string]any{
		"GET /api/orders":                  api.Page[api.Order]{Data: []api.Order{someOrder().Order}},
		"GET /api/orders/order_1":          someOrder(),
		"GET /api/orders/order_1/timeline": api.Page[api.Event]{Data: []api.Event{{EventID: "evt_1", Type: "order.paid", State: api.StateEnded, Outcome: "stale", Detail: "something newer", OccurredAt: at(time.Hour)}}, NextCursor: "c1"},
		"GET /api/orders/order_1/blocked": api.Blocked{OrderID: "order_1", Exists: true, Summary: "1 event waits for its lock", Lock: &api.LockHolder{PID: 7, Application: "psql", ForSeconds: 90, Waiting: 2},
			Events: api.Page[api.Blocker]{Data: []api.Blocker{{Event: api.Event{EventID: "evt_3", Type: "order.updated", State: api.StateApplying, ReceivedAt: ago(time.Minute)}, LastFailure: "permission denied", NextAttempt: at(-time.Hour)}}}},
		"GET /api/orders/order_2/timeline": api.Page[api.Event]{Data: []api.Event{}},
		"GET /api/orders/order_2/blocked":  api.Blocked{OrderID: "order_2", Summary: "nothing is known of it"},
	})
}

func TestOrdersList(t *testing.T) {
	f := newOrders(t)
	out, errs, code := asked(t, "orders list -q 1001 --status confirmed --payment-status paid --fulfillment-status unfulfilled --store store_1 --updated-after 24h --updated-before 1m")
	require.Zero(t, code, errs)
	require.Regexp(t, `order_1 +1001 +confirmed +paid +unfulfilled +52000 KRW +3 minutes ago +store_1`, out)
	for _, part := range []string{"q=1001", "status=confirmed", "payment_status=paid", "fulfillment_status=unfulfilled", "store_id=store_1", "updated_after=", "updated_before="} {
		require.Contains(t, f.called("GET /api/orders")[0], part)
	}
}

func TestOrdersShowAnswersASupportCall(t *testing.T) {
	newOrders(t)
	out, errs, code := asked(t, "orders show order_1")
	require.Zero(t, code, errs)
	for _, want := range []string{`number +1001`, `total +52000 KRW`, `refunded +1.250 KWD in 1 refund`, `status +confirmed +\d{4}-.*evt_1`, `refund +re_1 +completed +1.250 KWD`, `does not count`,
		`1 event waits for its lock`, `process 7 \(psql\) for 90 seconds; 2 transactions wait`, `evt_3 +order.updated +applying .*in 59 minutes +permission denied`,
		`It was not asked: HEADLESS_COMMERCE_API_KEY is not set`, `order.paid +stale +evt_1 +something newer`, `inorder orders timeline order_1`} {
		require.Regexp(t, want, out)
	}
	require.NotContains(t, out, "a@example.com")
	out, _, code = asked(t, "orders show order_1 --json")
	require.Zero(t, code)
	v := document[supportView](t, out)
	require.Equal(t, "order_1", v.Order.ID)
	require.False(t, v.Platform.Asked)

	out, errs, code = asked(t, "orders show order_2")
	require.Equal(t, exitError, code)
	require.Contains(t, out, "There is no such order here.")
	require.Contains(t, out, "nothing is known of it")
	require.Contains(t, errs, "there is no order order_2 here; to list orders: inorder orders list")
}

func TestOrdersShowShowsWhatItCanWhileAServerIsAway(t *testing.T) {
	f := newOrders(t)
	away := &api.Problem{Type: api.ProblemUnavailable, Status: 503, Detail: "postgres does not answer", Missing: []api.Missing{{Source: "postgres", Why: "it does not answer"}}}
	f.set("GET /api/orders/order_1", away)
	f.set("GET /api/orders/order_1/timeline", away)
	out, errs, code := asked(t, "orders show order_1")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "postgres does not answer")
	require.Contains(t, out, "order_1\n! postgres does not answer\n")
	require.NotContains(t, out, "There is no such order")
	require.NotContains(t, out, "No events are about it")
	require.Regexp(t, `process 7 \(psql\) for 90 seconds`, out, "what holds it up is known")
	out, _, _ = asked(t, "orders show order_1 --json")
	v := document[supportView](t, out)
	require.Nil(t, v.Order)
	require.Len(t, v.Missing, 2)

	f.set("GET /api/orders/order_1/blocked", away)
	out, errs, code = asked(t, "orders show order_1")
	require.Equal(t, exitError, code)
	require.Empty(t, out)
	require.Contains(t, errs, "postgres does not answer")
}

func TestOrdersShowAsksThePlatform(t *testing.T) {
	newOrders(t)
	answer := `{"id":"order_1","status":"processing","payment_status":"paid","fulfillment_status":"unfulfilled","total":{"amount":52000,"currency":"KRW"},"currency":"KRW"}`
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/admin/orders/order_1" {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"error":{"type":"not_found","code":"RESOURCE_NOT_FOUND","message":"no"}}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(platform.Close)
	t.Setenv("HEADLESS_COMMERCE_API_KEY", standin.DefaultKey)
	t.Setenv("HEADLESS_COMMERCE_API_URL", platform.URL+"/v1")
	out, errs, code := asked(t, "orders show order_1")
	require.Zero(t, code, errs)
	require.Contains(t, out, "status is confirmed, the platform has processing")
	require.Contains(t, out, "inorder orders reconcile order_1")
	out, _, _ = asked(t, "orders show order_1 --json")
	require.Equal(t, []difference{{"status", "confirmed", "processing"}}, document[supportView](t, out).Platform.Differences)
	out, _, _ = asked(t, "orders show order_2")
	require.Contains(t, out, "it does not know the order in test mode")
}

func TestOrdersTimelineAndBlocked(t *testing.T) {
	newOrders(t)
	out, errs, code := asked(t, "orders timeline order_1 --limit 1")
	require.Zero(t, code, errs)
	require.Contains(t, out, "evt_1")
	out, _, code = asked(t, "orders blocked order_1")
	require.Zero(t, code)
	require.Contains(t, out, "evt_3")
	out, _, _ = asked(t, "orders blocked order_1 --json")
	require.Equal(t, 7, document[api.Blocked](t, out).Lock.PID)
	_, errs, code = asked(t, "orders blocked order_3")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "events that wait for it: inorder events list --order order_3")
}
