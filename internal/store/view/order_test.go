package view_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

// apply applies an event with that data, dated at that minute.
func (s *tables) apply(id, eventType string, minute int, data string) inorder.Outcome {
	s.Helper()
	e, err := inorder.ParseEvent(fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"store_id":"store_1","data":%s}`, id, eventType, at(minute).Format(time.RFC3339), data))
	require.NoError(s, err)
	e.ReceivedAt = at(1000 + minute)
	results, err := store.New(s.pool).Apply(s.Context(), []store.Event{store.Read(e, time.Hour)}, store.Options{})
	require.NoError(s, err)
	return results[0].Outcome
}

func TestAnOrderWithWhatSetIt(t *testing.T) {
	s := newTables(t)
	const id = `"id":"order_1"`
	s.apply("evt_created", "order.created", 1, `{`+id+`,"number":7,"status":"pending","payment_status":"unpaid","total":{"amount":4200,"currency":"KRW"},"lines":[],"refunds":[]}`)
	s.apply("evt_confirmed", "order.confirmed", 5, `{`+id+`}`)
	s.apply("evt_paid", "order.paid", 3, `{`+id+`}`)
	s.apply("evt_payment", "payment.completed", 5, `{"id":"pay_1","order_id":"order_1","amount":{"amount":4200,"currency":"KRW"},"status":"completed"}`) // of the same second
	s.apply("evt_refund_old", "payment.refunded", 0, `{"order_id":"order_1","amount":{"amount":100,"currency":"KRW"}}`)                                  // before the list
	s.apply("evt_refund_new", "payment.refunded", 9, `{"order_id":"order_1","amount":{"amount":200,"currency":"KRW"}}`)
	require.Equal(t, inorder.Stale, s.apply("evt_late", "order.confirmed", 2, `{`+id+`}`))
	s.parked("evt_attention", "order.paid", "order_1", "", "attention", 4)
	s.received("evt_inbox", "order.paid", "order_1", "", 4)

	o, found, err := s.Order(t.Context(), "order_1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "7 confirmed paid store_1 KRW 4200", fmt.Sprint(o.Number, " ", o.Status, " ", o.PaymentStatus, " ", o.StoreID, " ", o.Currency, " ", *o.TotalAmount))
	require.Equal(t, 2, o.Waiting)
	require.Contains(t, string(o.Data), `"lines"`)
	require.Equal(t, at(1), o.DataAt)
	aspects := map[string]string{}
	for _, a := range o.Aspects {
		require.True(t, a.At == nil || a.At.Location() == time.UTC)
		aspects[a.Name] = a.EventID
	}
	require.Equal(t, map[string]string{"status": "evt_confirmed", "payment_status": "evt_paid", "fulfillment_status": "", "data": "evt_created"}, aspects)
	counts := map[string]bool{}
	for _, p := range o.Parts {
		counts[p.ID] = p.Counts
	}
	require.Equal(t, map[string]bool{"pay_1": true, "evt_refund_old": false, "evt_refund_new": true}, counts)
	require.Equal(t, []api.Refunded{{Currency: "KRW", Amount: 200, Refunds: 1}}, o.Refunds)

	s.exec(`DELETE FROM webhook_events`) // as the purge does
	o, _, err = s.Order(t.Context(), "order_1")
	require.NoError(t, err)
	require.Empty(t, o.Aspects[0].EventID)
	require.Equal(t, at(5), *o.Aspects[0].At)

	for _, unknown := range []string{"order_2", "", "a\x00"} {
		_, found, err := s.Order(t.Context(), unknown)
		require.NoError(t, err)
		require.False(t, found)
	}
}

func TestATimelineHasAllEventsByTheirOwnTimes(t *testing.T) {
	s := newTables(t)
	s.ended("evt_2", "order.paid", "order_1", "", "applied", "workflow", 2)
	s.ended("evt_1", "order.created", "order_1", "", "applied", "inbox", 1)
	s.ended("evt_1b", "order.updated", "order_1", "", "stale", "inbox", 1) // with the same time
	s.exec(`UPDATE webhook_events SET received_at = $1, processed_at = $1 WHERE event_id = 'evt_1'`, at(50))
	s.exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, received_at, processed_at, payload) VALUES ('evt_timeless', 'order.paid', 'order_1', 'discarded', $1, $1, '{}')`, at(3))
	s.parked("evt_4", "order.paid", "order_1", "", "stuck", 4)
	s.exec(`INSERT INTO pending_events (event_id, type, order_id, phase, detail, received_at) VALUES ('evt_5', 'order.paid', 'order_1', 'attention', 'why', $1)`, at(5))
	s.received("evt_0", "order.updated", "order_1", "", 60) // dated midnight
	s.ended("evt_other", "order.paid", "order_2", "", "applied", "workflow", 2)
	want := []string{"evt_5", "evt_4", "evt_timeless", "evt_2", "evt_1b", "evt_1", "evt_0"}
	for _, size := range []int{50, 3, 1} {
		var all []api.Event
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			page, err := s.Timeline(t.Context(), "order_1", cursor, size)
			require.NoError(t, err)
			all, cursor = append(all, page.Data...), page.NextCursor
		}
		require.Equal(t, want, idsOf(all), "pages of %d", size)
		require.Equal(t, "because", all[4].Detail)
		require.Equal(t, "later", all[6].Detail)
	}
}

func TestALongTimeline(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, occurred_at, payload) SELECT 'evt_' || i, 'order.paid', 'order_1', 'applied', now(), '{}' FROM generate_series(1, 500) i`)
	s.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before) SELECT 'evt_i_' || i, 'order_1', '{"type":"order.paid"}', now(), now() FROM generate_series(1, 500) i`)
	var ids []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, err := s.Timeline(t.Context(), "order_1", cursor, 64)
		require.NoError(t, err)
		ids, cursor = append(ids, idsOf(page.Data)...), page.NextCursor
	}
	require.Len(t, ids, 1000)
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), 1000)
}
