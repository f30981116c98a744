package activities_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
)

func TestApplyEventWritesTheOrderAndTheEventTogether(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}, s.apply(created("evt_1")))
	require.JSONEq(t, `{"id":"order_1","store_id":"store_1","number":"1001","status":"pending","payment_status":"unpaid","fulfillment_status":null,
		"total_amount":500,"currency":"KRW","status_at":"2025-01-15T10:00:00+00:00","payment_at":"2025-01-15T10:00:00+00:00","fulfillment_at":null,
		"last_webhook_at":"2025-01-15T10:00:00+00:00","data_event_id":"evt_1",
		"data":{"id":"order_1","number":1001,"status":"pending","payment_status":"unpaid","total":{"amount":500,"currency":"KRW"}}}`,
		s.text(`SELECT to_jsonb(o) - '{created_at,updated_at,data_at,data_rank,payments_listed_at,fulfillments_listed_at,refunds_listed_at,returns_listed_at}'::text[] FROM orders o`))
	require.JSONEq(t, `{"event_id":"evt_1","type":"order.created","order_id":"order_1","outcome":"applied","detail":"",
		"via":"workflow","occurred_at":"2025-01-15T10:00:00+00:00","received_at":"2025-01-15T12:00:00+00:00","payload":`+created("evt_1")+`}`,
		s.text(`SELECT to_jsonb(e) - '{processed_at,body_hash,payload_removed_at,store_id}'::text[] FROM webhook_events e`))

	s.apply(told("evt_2", "order.paid", 1, `{"id":"order_1"}`))
	require.Equal(t, "paid 2025-01-15 10:01:00+00 pending 2025-01-15 10:01:00+00", s.text(
		`SELECT payment_status || ' ' || (payment_at AT TIME ZONE 'UTC') || '+00 ' || status || ' ' || (last_webhook_at AT TIME ZONE 'UTC') || '+00' FROM orders`))
	require.Equal(t, "evt_1", s.text(`SELECT data_event_id FROM orders`), "a sparse event keeps the snapshot")

	s.apply(told("evt_3", "order.confirmed", 2, `{"id":"order_1","number":"A-7","status":"confirmed","total":{"amount":700,"currency":"USD"}}`))
	require.Equal(t, "A-7 700 USD confirmed paid evt_3", s.text(
		`SELECT concat_ws(' ', number, total_amount, currency, status, payment_status, data_event_id) FROM orders`))
}

func TestApplyEventEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before  []string
		event   string
		outcome inorder.Outcome
		detail  string
	}{
		"stale, with what it lost against": {
			[]string{created("evt_1"), told("evt_2", "order.cancelled", 5, `{"id":"order_1"}`)},
			told("evt_3", "order.confirmed", 4, `{"id":"order_1"}`), inorder.Stale, `status has been "cancelled" since 2025-01-15T10:05:00Z`},
		"ignored, of another family": {nil, told("evt_1", "product.updated", 0, `{"id":"prod_1"}`), inorder.Ignored, "it says nothing that the orders table keeps"},
		"ignored, of another family, of a type over 128 characters, with nothing else": {nil,
			`{"id":"evt_1","type":"product.` + strings.Repeat("é", 200) + `"}`, inorder.Ignored, "it says nothing that the orders table keeps"},
		"ignored, says nothing of a missing order": {nil, told("evt_1", "order.updated", 0, `{"id":"order_1"}`), inorder.Ignored, "it says nothing that the orders table keeps"},
		"applied, of an unknown type":              {[]string{created("evt_1")}, told("evt_2", "order.held", 1, `{"id":"order_1","status":"on_hold"}`), inorder.Applied, ""},
		"applied, a second order.created":          {[]string{created("evt_1")}, told("evt_2", "order.created", 1, `{"id":"order_1","status":"draft"}`), inorder.Applied, ""},
		"applied, an hour after its receipt":       {nil, dated("evt_1", received.Add(time.Hour)), inorder.Applied, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for _, body := range tc.before {
				require.Equal(t, inorder.Applied, s.apply(body).Outcome)
			}
			r := s.apply(tc.event)
			require.Equal(t, tc.outcome, r.Outcome)
			require.Equal(t, tc.detail, r.Detail)
			require.Equal(t, string(tc.outcome)+tc.detail, s.text(`SELECT outcome || detail FROM webhook_events WHERE event_id = $1`, receipt(t, tc.event).EventID))
		})
	}
}

func dated(id string, at time.Time) string {
	return fmt.Sprintf(`{"id":%q,"type":"order.created","created_at":%q,"data":{"id":"order_1"}}`, id, at.Format(time.RFC3339))
}

func TestApplyEventNeedsAPerson(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ event, detail, orderID string }{
		"no order ID":             {told("evt_1", "order.paid", 0, `{}`), "there is no order ID: data.order_id or data.id must be a string of 1 to 255 characters", ""},
		"a huge order ID":         {told("evt_1", "order.paid", 0, `{"id":"`+strings.Repeat("x", 100_000)+`"}`), "there is no order ID: data.order_id or data.id must be a string of 1 to 255 characters", ""},
		"a huge part ID":          {told("evt_1", "return.requested", 1, `{"order_id":"order_1","id":"`+strings.Repeat("x", 20_000)+`"}`), "data.id must have at most 255 characters", "order_1"},
		"no created_at":           {`{"id":"evt_1","type":"order.paid","data":{"id":"order_1"}}`, "the event has no usable time: created_at must be an RFC 3339 time", "order_1"},
		"data is not an object":   {told("evt_1", "order.paid", 0, `"secret"`), "data must be a JSON object", ""},
		"a field of another kind": {told("evt_1", "order.updated", 0, `{"id":"order_1","status":["secret"]}`), "data.status must be a string", "order_1"},
		"dated 100 years ahead": {dated("evt_1", received.AddDate(100, 0, 0)),
			"it is dated 2125-01-15T12:00:00Z, 876576h0m0s in the future when it was checked at 2025-01-15T12:00:00Z, and MAX_EVENT_SKEW allows only 1h0m0s; a retry can apply it from 2125-01-15T11:00:00Z on", "order_1"},
		"dated as far ahead as can be": {dated("evt_1", time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -23*60*60))),
			"it is dated 10000-01-01T22:59:59Z, 2562047h47m16.854775807s in the future when it was checked at 2025-01-15T12:00:00Z, and MAX_EVENT_SKEW allows only 1h0m0s; a retry can apply it from 10000-01-01T21:59:59Z on", "order_1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			r := s.apply(tc.event)
			require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Attention, Detail: tc.detail, OrderID: tc.orderID}, r)
			s.requireParked(tc.event, tc.detail, tc.orderID)
		})
	}
	t.Run("an input that is no event at all", func(t *testing.T) {
		s := newStore(t)
		r, err := s.ApplyEvent(t.Context(), raw(`null`), activities.ApplyEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: received}})
		require.NoError(t, err)
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Attention, Detail: "the body must be a JSON object"}, r)
		require.Equal(t, "null null", s.text(`SELECT payload::text || ' ' || convert_from(body, 'UTF8') FROM pending_events`))
	})
}

// requireParked checks that the only row is the event's, in attention and with its body as received.
func (s *store) requireParked(body, detail, orderID string) {
	s.t.Helper()
	require.Equal(s.t, "attention 0 0", s.text(`SELECT concat_ws(' ', phase, (SELECT count(*) FROM webhook_events), (SELECT count(*) FROM orders)) FROM pending_events`))
	require.Equal(s.t, body, s.text(`SELECT convert_from(body, 'UTF8') FROM pending_events`))
	require.Equal(s.t, detail, s.text(`SELECT detail FROM pending_events`))
	require.Equal(s.t, orderID, s.text(`SELECT order_id FROM pending_events`))
}

func TestParts(t *testing.T) {
	t.Parallel()
	s := newStore(t).patient()
	s.apply(created("evt_1"))
	s.apply(told("evt_2", "order.created", 0, `{"id":"order_2"}`))
	refund := func(event, id, order string, amount int) string {
		return told(event, "payment.refunded", 1, fmt.Sprintf(`{"id":%q,"order_id":%q,"amount":{"amount":%d,"currency":"KRW"}}`, id, order, amount))
	}
	t.Run("refunds add up by currency", func(t *testing.T) {
		s.apply(refund("evt_3", "ref_1", "order_1", 100))
		s.apply(refund("evt_4", "ref_2", "order_1", 50))
		s.apply(told("evt_5", "refund.created", 1, `{"id":"ref_3","order_id":"order_1","amount":{"amount":7,"currency":"KRW"}}`))
		require.Equal(t, "150 KRW 2", s.text(`SELECT concat_ws(' ', refunded_amount, currency, refunds) FROM order_refunds WHERE order_id = 'order_1'`))
	})
	t.Run("a part's newer state replaces it", func(t *testing.T) {
		s.apply(told("evt_6", "payment.created", 1, `{"id":"pay_1","order_id":"order_1"}`))
		s.apply(told("evt_7", "payment.completed", 2, `{"id":"pay_1","order_id":"order_1","amount":{"amount":9,"currency":"KRW"}}`))
		require.Equal(t, inorder.Stale, s.apply(told("evt_8", "payment.failed", 1, `{"id":"pay_1","order_id":"order_1"}`)).Outcome)
		require.Equal(t, "completed 9 KRW evt_7", s.text(`SELECT concat_ws(' ', status, amount, currency, event_id) FROM order_parts WHERE kind = 'payment'`))
	})
	t.Run("another order's part is left where it is", func(t *testing.T) {
		stored := s.text(`SELECT jsonb_agg(p ORDER BY kind, id) FROM order_parts p`)
		foreign := refund("evt_9", "ref_1", "order_2", 5)
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: "order_2", Detail: "its refund already belongs to another order"}, s.apply(foreign))
		require.Equal(t, stored, s.text(`SELECT jsonb_agg(p ORDER BY kind, id) FROM order_parts p`))
		require.Equal(t, "attention", s.text(`SELECT phase FROM pending_events WHERE event_id = 'evt_9'`))
		s.discard(foreign, "wrong", "ops")
		require.Equal(t, inorder.Discarded, s.apply(foreign).Outcome)
	})
	t.Run("two orders claim the same part at once: one has it, the other is run again and needs a person", func(t *testing.T) {
		release := s.hold(`INSERT INTO order_parts VALUES ('refund', 'ref_9', 'order_1', 'completed', 5, 'KRW', '{}', 'evt_x', now())`)
		other := refund("evt_10", "ref_9", "order_2", 5)
		done := s.start(other)
		s.blocked(1)
		release()
		requireRetryable(t, (<-done).err)
		require.Equal(t, inorder.Attention, s.apply(other).Outcome)
		require.Equal(t, "order_1", s.text(`SELECT order_id FROM order_parts WHERE id = 'ref_9'`))
	})
}
