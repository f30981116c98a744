package standin_test

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/delivery"
)

func TestDeliveriesAreWhatTheReceiverVerifies(t *testing.T) {
	s := open(t, standin.Options{Parallel: 1})
	_, secret := s.subscribe(`["*"]`)
	order := s.place(standin.Placement{Actions: life})[0]
	got := s.deliveries()
	require.Equal(t, []string{
		"order.created", "payment.created", "payment.failed", "payment.created", "payment.completed", "order.paid", "order.confirmed",
		"fulfillment.created", "fulfillment.shipped", "order.updated", "fulfillment.created", "fulfillment.shipped", "order.fulfilled",
		"fulfillment.delivered", "order.completed", "payment.refunded", "order.updated", "payment.refunded", "order.updated",
		"return.requested", "return.completed", "order.updated",
	}, types(got), "one by one they come in order; process is silent")

	ids := map[string]bool{}
	for _, d := range got {
		require.True(t, delivery.Verify(secret, d.body, d.signature), d.Type)
		require.False(t, ids[d.ID], "an ID for each event")
		ids[d.ID] = true
		require.Equal(t, "store_standin", d.StoreID)
		require.Contains(t, []string{d.Data.ID, d.Data.OrderID}, order.ID, d.Type)
		at, err := time.Parse(time.RFC3339, d.CreatedAt)
		require.NoError(t, err)
		require.Zero(t, at.Nanosecond(), "whole seconds, as documented")
	}
	require.Equal(t, "pending", got[0].Data.Status, "an event holds the order as it was then")
	require.Equal(t, "completed", order.Status)
	require.Equal(t, "refunded", order.PaymentStatus)
	require.Equal(t, "returned", order.FulfillmentStatus)
}

func TestOnlyWhatIsWantedIsDelivered(t *testing.T) {
	s := open(t, standin.Options{Keys: []string{standin.DefaultKey, "sk_live_standin"}})
	id, _ := s.subscribe(`["order.created","order.paid"]`)
	s.place(standin.Placement{Actions: []string{"pay"}})
	require.ElementsMatch(t, []string{"order.created", "order.paid"}, types(s.deliveries()))

	s.place(standin.Placement{Mode: "live"})
	require.Len(t, s.deliveries(), 2, "modes are apart")

	require.NoError(t, s.Deactivate(id))
	s.place(standin.Placement{})
	require.Len(t, s.deliveries(), 2, "inactive")
	status, _ := s.call("PATCH", "/v1/admin/webhooks/"+id, `{"is_active":true}`)
	require.Equal(t, http.StatusOK, status)
	s.place(standin.Placement{})
	require.Len(t, s.deliveries(), 3)
	s.call("DELETE", "/v1/admin/webhooks/"+id, "")
	s.place(standin.Placement{})
	require.Len(t, s.deliveries(), 3, "deleted")
}

func TestFailedDeliveriesAreRetried(t *testing.T) {
	s := open(t, standin.Options{RetryDelays: []time.Duration{time.Millisecond, time.Millisecond}, DeactivateAfter: 2})
	s.answer = func(n int) int { return map[bool]int{true: 503, false: 202}[n < 3] }
	id, _ := s.subscribe(`["order.created"]`)
	s.place(standin.Placement{})
	got := s.deliveries()
	require.Len(t, got, 3)
	require.Equal(t, got[0].body, got[2].body, "the same event, byte for byte")

	s.answer = func(int) int { return http.StatusFound }
	s.place(standin.Placement{Count: 2})
	require.Len(t, s.deliveries(), 9)
	log := s.Deliveries()
	require.Equal(t, "gave_up", log[len(log)-1].Outcome)
	require.Equal(t, 3, log[len(log)-1].Attempt)
	_, w := s.call("GET", "/v1/admin/webhooks/"+id, "")
	require.Equal(t, false, w["is_active"], "deactivated after two in a row")
	require.Equal(t, standin.Stats{Orders: 3, Webhooks: 1, Events: 3, Deliveries: 3, Delivered: 1, GaveUp: 2, Requests: 2}, s.Stats())
}

func TestDeliveriesAtTheSameTimeAreBounded(t *testing.T) {
	s := open(t, standin.Options{Parallel: 3})
	var now, most atomic.Int32
	s.answer = func(int) int {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond) // so that they can overlap
		now.Add(-1)
		return 200
	}
	s.subscribe(`["*"]`)
	s.place(standin.Placement{Count: 60})
	require.Len(t, s.deliveries(), 60)
	require.LessOrEqual(t, most.Load(), int32(3))
	require.Greater(t, most.Load(), int32(1))
}

func TestTestDelivery(t *testing.T) {
	s := open(t, standin.Options{})
	id, secret := s.subscribe(`["payment.refunded"]`)
	for body, want := range map[string]string{`{"event_type":"fulfillment.shipped"}`: "fulfillment.shipped", "": "payment.refunded"} {
		status, result := s.call("POST", "/v1/admin/webhooks/"+id+"/test", body)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, true, result["success"])
		require.EqualValues(t, 200, result["status_code"])
		require.Contains(t, result, "response_time_ms")
		got := s.deliveries()
		last := got[len(got)-1]
		require.Equal(t, want, last.Type, "the SDK sends no type: then what it subscribed to")
		require.True(t, delivery.Verify(secret, last.body, last.signature))
	}
	status, _ := s.call("POST", "/v1/admin/webhooks/"+id+"/test", `{"event_type":"order.unheard"}`)
	require.Equal(t, http.StatusBadRequest, status)
}

func TestSparseOrders(t *testing.T) {
	s := open(t, standin.Options{SparseOrders: true, Milliseconds: true, StringNumbers: true})
	s.subscribe(`["order.paid"]`)
	order := s.place(standin.Placement{Actions: []string{"pay"}})[0]
	require.Equal(t, "1001", order.Number)
	var e struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal(s.deliveries()[0].body, &e))
	require.JSONEq(t, `{"id":"`+order.ID+`","status":"confirmed","payment_status":"paid","fulfillment_status":"unfulfilled"}`, string(e.Data))
}
