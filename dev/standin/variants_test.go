package standin_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

func TestAnOrderPaidInParts(t *testing.T) {
	s := open(t, standin.Options{Parallel: 1})
	s.subscribe(`["payment.completed","order.updated","order.paid"]`)
	order := s.place(standin.Placement{Actions: []string{"pay_part"}})[0]
	require.Equal(t, []string{"pending", "partially_paid"}, []string{order.Status, order.PaymentStatus})
	order, err := s.Advance(order.ID, "pay")
	require.NoError(t, err)
	require.Equal(t, []string{"confirmed", "paid"}, []string{order.Status, order.PaymentStatus})
	require.Equal(t, order.Total.Amount, order.Payments[0].Amount.Amount+order.Payments[1].Amount.Amount)
	require.Equal(t, []string{"payment.completed", "order.updated", "payment.completed", "order.paid"}, types(s.deliveries()))
}

func TestAnExchangeIsAnotherOrder(t *testing.T) {
	s := open(t, standin.Options{})
	s.subscribe(`["return.completed"]`)
	s.place(standin.Placement{Actions: []string{"pay", "ship", "request_exchange", "complete_return"}})
	orders := s.Orders()
	require.Len(t, orders, 2)
	require.Equal(t, "returned", orders[0].FulfillmentStatus)
	require.Equal(t, "pending", orders[1].Status)
	var e struct{ Data standin.Return }
	require.NoError(t, json.Unmarshal(s.deliveries()[0].body, &e))
	require.Equal(t, "exchange", e.Data.ReturnType)
	require.Equal(t, orders[0].ID, e.Data.OrderID)
	require.Equal(t, orders[1].ID, *e.Data.ExchangeOrderID)
	require.NotNil(t, e.Data.Lines[0].ExchangeVariantID)
}

func TestAFaultDeactivates(t *testing.T) {
	s := open(t, standin.Options{Parallel: 1})
	id, _ := s.subscribe(`["*"]`)
	s.faults(standin.Faults{Deactivate: standin.Fault{Next: 1}})
	s.place(standin.Placement{Actions: []string{"pay"}})
	require.Empty(t, s.deliveries())
	_, w := s.call("GET", "/v1/admin/webhooks/"+id, "")
	require.Equal(t, false, w["is_active"])
	log := s.Deliveries()
	require.Len(t, log, 1)
	require.Equal(t, []string{"cancelled", "deactivate"}, []string{log[0].Outcome, log[0].Fault})
	require.Equal(t, 1, s.Stats().GaveUp)
}

func TestWhatOnlyTheSDKKnows(t *testing.T) {
	s := open(t, standin.Options{BareTests: true, NoMetadata: true, NoInactive: true})
	_, w := s.call("POST", "/v1/admin/webhooks", `{"url":"`+s.endpoint+`","events":["order.created"],"is_active":false,"metadata":{"a":1}}`)
	require.Equal(t, true, w["is_active"])
	require.Nil(t, w["metadata"])
	id := w["id"].(string)
	_, w = s.call("PATCH", "/v1/admin/webhooks/"+id, `{"is_active":false,"metadata":{"a":1}}`)
	require.Equal(t, false, w["is_active"])
	require.Nil(t, w["metadata"])
	s.call("POST", "/v1/admin/webhooks/"+id+"/test", "")
	got := s.deliveries()[0]
	require.Empty(t, got.ID)
	require.Empty(t, got.StoreID)
	require.Equal(t, "order.created", got.Type)
}

func TestTheLogGoesOnAfterANumber(t *testing.T) {
	s := open(t, standin.Options{})
	s.subscribe(`["*"]`)
	s.place(standin.Placement{Count: 3})
	s.idle()
	log := s.Deliveries()
	require.Len(t, log, 3)
	require.Equal(t, log[1:], s.DeliveriesAfter(log[0].Number))
	require.Empty(t, s.DeliveriesAfter(log[2].Number))
	_, v := s.call("GET", "/_standin/deliveries?after=2", "")
	require.Len(t, v["deliveries"], 1)
	status, _ := s.call("GET", "/_standin/deliveries?after=x", "")
	require.Equal(t, 400, status)
}

func TestTheControlAPIShowsWebhooksWithoutTheirSecrets(t *testing.T) {
	s := open(t, standin.Options{Keys: []string{standin.DefaultKey, "sk_live_standin"}})
	id, _ := s.subscribe(`["*"]`)
	s.key = "sk_live_standin"
	gone, _ := s.subscribe(`["*"]`)
	live, _ := s.subscribe(`["order.created"]`)
	s.call("DELETE", "/v1/admin/webhooks/"+gone, "")
	_, v := s.call("GET", "/_standin/webhooks", "")
	raw, _ := json.Marshal(v)
	require.NotContains(t, string(raw), "secret")
	all := s.Webhooks()
	require.Len(t, all, 2)
	require.Equal(t, []string{id, "test", live, "live"}, []string{all[0].ID, all[0].Mode, all[1].ID, all[1].Mode})
}
