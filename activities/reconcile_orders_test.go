package activities_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/dev/standin"
	"inorder/internal/reconcile"
	tables "inorder/internal/store"
)

// reconcile compares all pages and, if repair is set, repairs at once.
func (s *shop) reconcile(repair bool) (sum activities.ReconcilePageResult) {
	s.t.Helper()
	plan, err := do[activities.ReconcilePlan](s, s.PlanReconcile, time.Now())
	require.NoError(s.t, err)
	for at := (&reconcile.Cursor{}); at != nil; {
		r, err := do[activities.ReconcilePageResult](s, s.ReconcilePage, activities.ReconcilePageInput{Since: plan.Since, At: *at, Repair: repair})
		require.NoError(s.t, err)
		sum.Add(r.Totals)
		sum.Suspects = append(sum.Suspects, r.Suspects...)
		sum.Stopped += r.Stopped
		at = r.Next
	}
	return sum
}

func (s *shop) repairOrders(ids ...string) reconcile.Totals {
	s.t.Helper()
	r, err := do[reconcile.Totals](s, s.RepairOrders, activities.RepairOrdersInput{Orders: ids})
	require.NoError(s.t, err)
	return r
}

// metric returns the values of a metric, by label value if it has a label.
func (s *shop) metric(name string) map[string]float64 {
	s.t.Helper()
	families, err := s.metrics.Gather()
	require.NoError(s.t, err)
	values := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			label := ""
			for _, l := range m.GetLabel() {
				label = l.GetValue()
			}
			values[label] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

// repairsCounted returns how many repairs the metric has counted, by their drift.
func (s *shop) repairsCounted() map[string]float64 {
	return s.metric("inorder_reconcile_repairs_total")
}

func TestEachDriftIsRepairedOnce(t *testing.T) {
	s := newShop(t)
	before := s.repairsCounted()
	orders := s.place(230, "pay")
	require.Equal(t, reconcile.Totals{Compared: 230, Missing: 230}, s.reconcile(true).Totals, "three pages")

	s.advance(orders[0].ID, "ship")
	s.advance(orders[0].ID, "deliver")
	s.advance(orders[1].ID, "refund_part")
	s.advance(orders[2].ID, "process")
	s.advance(orders[3].ID, "update") // nothing that is compared
	suspects := s.reconcile(false)
	require.Equal(t, reconcile.Totals{Compared: 230}, suspects.Totals)
	require.ElementsMatch(t, []string{orders[0].ID, orders[1].ID, orders[2].ID}, suspects.Suspects)

	require.Equal(t, reconcile.Totals{Compared: 3, Different: 2, Silent: 1}, s.repairOrders(suspects.Suspects...))
	require.Equal(t, reconcile.Totals{Compared: 3}, s.repairOrders(suspects.Suspects...), "they are the same now")
	require.Equal(t, reconcile.Totals{Compared: 230}, s.reconcile(true).Totals)

	after := s.repairsCounted()
	for found, n := range map[string]float64{"missing": 230, "different": 2, "silent": 1} {
		require.Equal(t, n, after[found]-before[found], found)
	}
	require.Equal(t, "233", s.text(`SELECT count(*) FROM webhook_events WHERE type = 'order.reconciled' AND outcome = 'applied'`))
	require.Equal(t, "fulfilled", s.text(`SELECT fulfillment_status FROM orders WHERE id = $1`, orders[0].ID))
	require.Equal(t, "delivered", s.text(`SELECT status FROM order_parts WHERE kind = 'fulfillment' AND order_id = $1`, orders[0].ID))
	require.Equal(t, s.text(`SELECT data->'refunded_total'->>'amount' FROM orders WHERE id = $1`, orders[1].ID),
		s.text(`SELECT refunded_amount FROM order_refunds WHERE order_id = $1`, orders[1].ID))
}

func TestAReconciledEventThatComesTooLateIsNoRepair(t *testing.T) {
	s := newShop(t)
	o := s.place(1, "pay")[0]
	apply := s.events.start
	var held []inorder.Event
	s.events.start = func(_ context.Context, e inorder.Event) error { held = append(held, e); return nil }
	_, err := s.fetch(o.ID)
	require.NoError(t, err)
	s.advance(o.ID, "complete")
	_, err = s.fetch(o.ID)
	require.NoError(t, err)
	require.NotEqual(t, held[0].ID, held[1].ID)

	before := s.repairsCounted()
	slices.Reverse(held) // the later answer is applied first, and contains everything
	for _, e := range held {
		require.NoError(t, apply(t.Context(), e))
		require.NoError(t, apply(t.Context(), e), "an event that is applied twice counts once")
	}
	require.Equal(t, before["missing"]+1, s.repairsCounted()["missing"])
	require.Equal(t, before["different"], s.repairsCounted()["different"])
	require.Equal(t, "completed", s.text(`SELECT status FROM orders`))
}

func TestARepairTakesFourRoundTrips(t *testing.T) {
	s := newShop(t)
	o := s.place(1, "pay", "ship", "refund_part", "refund_part")[0]
	s.events.start = func(_ context.Context, e inorder.Event) error { s.began = append(s.began, e); return nil }
	_, err := s.fetch(o.ID)
	require.NoError(t, err)
	conn, err := s.pool.Acquire(t.Context()) // one connection, so that it has prepared every statement after the first round
	require.NoError(t, err)
	defer conn.Release()
	s.Store = tables.New(conn)
	for _, round := range []string{"cold", "warm"} {
		_, err := conn.Exec(t.Context(), `TRUNCATE orders, order_parts, webhook_events, pending_events`)
		require.NoError(t, err)
		e := s.began[0]
		trips := s.wire.count(func() {
			_, err := s.ApplyEvent(t.Context(), raw(string(e.Body)), activities.ApplyEventInput{Receipt: activities.Receipt{EventID: e.ID, ReceivedAt: e.ReceivedAt}})
			require.NoError(t, err)
		})
		require.Equal(t, "4", s.text(`SELECT count(*) FROM order_parts`))
		if round == "warm" {
			require.Equal(t, 4, trips)
		}
	}
}

func TestOrdersThatAreOpenHereAloneAreFound(t *testing.T) {
	s := newShop(t)
	orders := s.place(3, "pay")
	s.reconcile(true)
	s.advance(orders[0].ID, "complete")
	s.advance(orders[1].ID, "cancel")
	_, err := s.pool.Exec(t.Context(), `UPDATE orders SET created_at = created_at - interval '10 days'`)
	require.NoError(t, err)

	s.ReconcileWindow = -time.Hour // no order is recent
	require.Equal(t, reconcile.Totals{Compared: 1}, s.reconcile(true).Totals, "the platform's lists show open orders alone")
	closed, err := do[[]string](s, s.ListClosed, time.Now())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{orders[0].ID, orders[1].ID}, closed)
	require.Equal(t, reconcile.Totals{Compared: 2, Different: 2}, s.repairOrders(closed...))
	closed, err = do[[]string](s, s.ListClosed, time.Now())
	require.NoError(t, err)
	require.Empty(t, closed)
}

func TestWhatCannotBeRepairedIsNoted(t *testing.T) {
	s := newShop(t)
	o := s.place(1, "pay")[0]
	s.repairOrders(o.ID)
	t.Run("an order that the platform does not know", func(t *testing.T) {
		require.Equal(t, reconcile.Totals{Compared: 1, Unrepaired: 1, Notes: []string{"order order_1: the platform does not know it in test mode"}}, s.repairOrders("order_1"))
	})
	t.Run("something newer is known", func(t *testing.T) {
		s.MaxEventSkew = 100 * 365 * 24 * time.Hour
		ahead := time.Now().Add(30 * time.Minute).UTC().Format(time.RFC3339)
		s.apply(`{"id":"evt_9","type":"order.cancelled","created_at":"` + ahead + `","data":{"id":"` + o.ID + `"}}`)
		totals := s.repairOrders(o.ID)
		require.Equal(t, 1, totals.Unrepaired)
		require.Contains(t, totals.Notes[0], "status is cancelled, the platform has confirmed")
		require.Equal(t, []string{o.ID}, s.reconcile(true).Suspects)
	})
	t.Run("an answer of another kind", func(t *testing.T) {
		s.spoil = func(w http.ResponseWriter, _ *http.Request) bool {
			_, err := w.Write([]byte(`{"id":"order_5","number":{}, "status":"pending"}`))
			return err == nil
		}
		require.Equal(t, []string{"order order_5: the platform's answer cannot be read: data.number must be an integer or a string"}, s.repairOrders("order_5").Notes)
		require.Equal(t, []string{"order order_6: the platform answers with another order"}, s.repairOrders("order_6").Notes)
	})
	t.Run("an order that no event can carry", func(t *testing.T) {
		s.spoil = func(w http.ResponseWriter, _ *http.Request) bool {
			_, err := w.Write([]byte(`{"id":"order_7","note":"` + strings.Repeat("x", 2_000_000) + `"}`))
			return err == nil
		}
		require.Contains(t, s.repairOrders("order_7").Notes[0], "an event may have at most 1900000")
	})
}

func TestAnEventThatNeedsAPersonIsNotWaitedForWithoutAnEnd(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.events.start = func(context.Context, inorder.Event) error { return nil }
	totals := s.repairOrders(s.place(1)[0].ID)
	require.Equal(t, 1, totals.Unrepaired)
	require.Contains(t, totals.Notes[0], "has not ended")
}

func TestNothingIsComparedWithoutAKey(t *testing.T) {
	s := newShop(t)
	s.Platform = nil
	plan, err := do[activities.ReconcilePlan](s, s.PlanReconcile, time.Now())
	require.NoError(t, err)
	require.Contains(t, plan.NotSet, "HEADLESS_COMMERCE_API_KEY is not set")
}

func TestNotesAreFew(t *testing.T) {
	s := newShop(t)
	var ids []string
	for range 30 {
		ids = append(ids, "order_"+standin.DefaultKey[:3]+strings.Repeat("x", len(ids)))
	}
	totals := s.repairOrders(ids...)
	require.Equal(t, 30, totals.Unrepaired)
	require.Len(t, totals.Notes, 20)
}

func TestOrdersThatAreOpenHereAloneAreComparedSomeAtATime(t *testing.T) {
	s := newShop(t)
	_, err := s.pool.Exec(t.Context(), `
INSERT INTO orders (id, status, status_at, data, data_at, data_rank, data_event_id, last_webhook_at, created_at)
SELECT 'order_' || n, 'confirmed', now(), '{}', now(), 0, 'x', now(), now() - interval '10 days' FROM generate_series(1, 1200) n`)
	require.NoError(t, err)
	closed, err := do[[]string](s, s.ListClosed, time.Now())
	require.NoError(t, err)
	require.Len(t, closed, 500, "what a workflow can carry")
}
