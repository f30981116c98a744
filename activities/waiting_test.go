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

func TestWaitingEventsAreAppliedOnceTheirOrderIsThere(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r := s.apply(paid("evt_1"))
	require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Waiting, OrderID: "order_1", Detail: "its order has not been created yet", RecheckAfter: time.Minute}, r)
	require.Equal(t, "waiting order_1 order.paid", s.text(`SELECT concat_ws(' ', phase, order_id, type) FROM pending_events WHERE event_id = 'evt_1'`))
	require.JSONEq(t, paid("evt_1"), s.text(`SELECT payload FROM pending_events`))
	require.Equal(t, "t", s.text(`SELECT received_at = $1 AND occurred_at = $2 FROM pending_events`, received, received.Add(-2*time.Hour))[:1])

	require.Equal(t, 1, s.apply(created("evt_2")).Waiters)
	require.Equal(t, inorder.Applied, s.apply(paid("evt_1")).Outcome)
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
	require.Zero(t, s.apply(created("evt_2")).Waiters, "nobody waits any more")
}

func TestAWaitingEventSaysWhatItsEventSays(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.apply(paid("evt_1"))
	revived := told("evt_1", "payment.refunded", 3, `{"order_id":"order_2","amount":{"amount":5,"currency":"KRW"}}`)
	require.Equal(t, "order_2", s.apply(revived).OrderID, "its workflow was terminated, and the sender sent another body under its ID")
	require.Equal(t, "order_2 payment.refunded waiting", s.text(`SELECT concat_ws(' ', order_id, type, phase) FROM pending_events`))
	require.Equal(t, revived, s.text(`SELECT convert_from(body, 'UTF8') FROM pending_events`))
	require.JSONEq(t, revived, s.text(`SELECT payload FROM pending_events`))
	require.Zero(t, s.apply(created("evt_2")).Waiters)
	require.Equal(t, 1, s.apply(told("evt_3", "order.created", 0, `{"id":"order_2"}`)).Waiters)
}

func TestALookWritesNoBodyAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	body := told("evt_1", "order.paid", 0, `{"id":"order_1","note":"`+incompressible(200_000)+`"}`)
	s.apply(body)
	toast := s.text(`SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'pending_events'::regclass`)
	written := func() string { return s.text(`SELECT string_agg(DISTINCT xmin::text, ' ') FROM ` + toast) }
	first, seen := written(), s.text(`SELECT seen_at FROM pending_events`)
	require.NotEmpty(t, first)
	s.apply(body)
	require.NotEqual(t, seen, s.text(`SELECT seen_at FROM pending_events`))
	require.Equal(t, first, written(), "the transactions that wrote to it")
	require.Equal(t, body, s.text(`SELECT convert_from(body, 'UTF8') FROM pending_events`))
}

func incompressible(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; {
		x = x*1664525 + 1013904223
		fmt.Fprintf(&b, "%08x", x)
	}
	return b.String()
}

func TestManyThatWaitForOneOrderLookLessOften(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase)
		SELECT 'evt_' || n, CASE WHEN n > 20 THEN 'order_1' ELSE 'order_2' END, 'order.paid', '{}', now(), now(), CASE WHEN n > 10 THEN 'waiting' ELSE 'attention' END
		FROM generate_series(1, 1020) n`)
	r := s.apply(paid("evt_new"))
	require.Equal(t, 100*time.Second, r.RecheckAfter)
	require.Equal(t, r, s.apply(paid("evt_new")), "it does not count itself")
	require.Zero(t, r.Waiters, "there is nobody to wake")
}

func TestWaitingEventsGrowOld(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	require.Equal(t, inorder.Waiting, s.applyAt(paid("evt_1"), 24*time.Hour-time.Second).Outcome)
	require.Equal(t, "waiting", s.text(`SELECT phase FROM pending_events`))

	r := s.applyAt(paid("evt_1"), 24*time.Hour)
	require.Equal(t, inorder.Stuck, r.Outcome)
	require.Equal(t, time.Hour, r.RecheckAfter)
	require.Equal(t, "stuck", s.text(`SELECT phase FROM pending_events`))

	r = s.applyAt(paid("evt_1"), 30*24*time.Hour)
	require.Equal(t, inorder.Expired, r.Outcome)
	require.Zero(t, r.RecheckAfter)
	require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
	require.JSONEq(t, paid("evt_1"), s.text(`SELECT payload FROM webhook_events WHERE outcome = 'expired' AND detail = 'its order has not been created yet'`))

	require.Zero(t, s.apply(created("evt_2")).Waiters)
	require.Equal(t, inorder.Expired, s.apply(paid("evt_1")).Outcome, "it stays expired")
}

// Two transactions that want the same lock get it in the order in which they asked for it.
func TestCreatedAndPaidAtTheSameInstant(t *testing.T) {
	t.Parallel()
	t.Run("created first: paid finds it", func(t *testing.T) {
		s := newStore(t).patient()
		release := s.holdOrder()
		c := s.start(created("evt_1"))
		s.blocked(1)
		p := s.start(paid("evt_2"))
		s.blocked(2)
		release()
		require.Equal(t, answer{activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}, nil}, <-c)
		require.Equal(t, answer{activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}, nil}, <-p)
		require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	})
	t.Run("paid first: created finds it waiting", func(t *testing.T) {
		s := newStore(t).patient()
		release := s.holdOrder()
		p := s.start(paid("evt_2"))
		s.blocked(1)
		c := s.start(created("evt_1"))
		s.blocked(2)
		release()
		require.Equal(t, inorder.Waiting, (<-p).Outcome)
		require.Equal(t, answer{activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1", Waiters: 1}, nil}, <-c)
		require.Equal(t, inorder.Applied, s.apply(paid("evt_2")).Outcome)
	})
}

func TestARetriedDateOutlivesTheWorkflow(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	body := told("evt_1", "order.paid", 0, `{"id":"order_1"}`)
	in := activities.ApplyEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: received.Add(-4 * time.Hour), RetriedAt: received}}
	r, err := s.ApplyEvent(t.Context(), raw(body), in)
	require.NoError(t, err)
	require.Equal(t, inorder.Waiting, r.Outcome, "two hours ahead of its receipt, and not of the retry")
	e, found, err := s.Store.Pending(t.Context(), "evt_1")
	require.NoError(t, err)
	require.True(t, found)
	require.True(t, e.RetriedAt.Equal(received), "who starts it anew judges its date by the same time: %s", e.RetriedAt)
}
