package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
)

func TestApplyEventTwiceAnswersTheSameAndWritesNothing(t *testing.T) {
	t.Parallel()
	t.Run("applied, with who waits", func(t *testing.T) {
		s := newStore(t)
		require.Equal(t, inorder.Waiting, s.apply(paid("evt_1")).Outcome)
		require.Equal(t, inorder.Waiting, s.apply(told("evt_2", "fulfillment.shipped", 1, `{"id":"ful_1","order_id":"order_1"}`)).Outcome)
		first := s.apply(created("evt_3"))
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1", Waiters: 2}, first)
		stored := s.everything()
		require.Equal(t, first, s.apply(created("evt_3")))
		require.Equal(t, stored, s.everything())
	})
	t.Run("stale", func(t *testing.T) {
		s := newStore(t)
		s.apply(created("evt_1"))
		s.apply(told("evt_2", "order.confirmed", 2, `{"id":"order_1"}`))
		first := s.apply(told("evt_3", "order.cancelled", 1, `{"id":"order_1"}`))
		require.Equal(t, inorder.Stale, first.Outcome)
		s.apply(told("evt_4", "order.completed", 3, `{"id":"order_1"}`))
		stored := s.everything()
		require.Equal(t, first, s.apply(told("evt_3", "order.cancelled", 1, `{"id":"order_1"}`)), "what was recorded, not what would be said now")
		require.Equal(t, stored, s.everything())
	})
	t.Run("ignored", func(t *testing.T) {
		s := newStore(t)
		first := s.apply(told("evt_1", "cart.updated", 0, `{}`))
		stored := s.everything()
		require.Equal(t, first, s.apply(told("evt_1", "cart.updated", 0, `{}`)))
		require.Equal(t, stored, s.everything())
	})
	t.Run("discarded, though it still could not be applied", func(t *testing.T) {
		s := newStore(t)
		bad := told("evt_1", "order.paid", 0, `{}`)
		s.discard(bad, "a test delivery", "ops")
		stored := s.everything()
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Discarded, Detail: "a test delivery (by ops)"}, s.apply(bad))
		require.Equal(t, stored, s.everything())
	})
	t.Run("waiting", func(t *testing.T) {
		s := newStore(t)
		first := s.apply(paid("evt_1"))
		require.Equal(t, first, s.apply(paid("evt_1")))
		require.Equal(t, "1", s.text(`SELECT count(*) FROM pending_events`))
		require.Equal(t, "0", s.text(`SELECT count(*) FROM webhook_events`))
	})
}

func TestAnotherBodyUnderTheSameIDIsNoticed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	log, logs := testenv.Logs(t)
	s.Limited = loglimit.New(log, time.Hour)
	s.apply(created("evt_1"))
	s.apply(created("evt_1"))
	require.Empty(t, logs.String(), "the same one again")
	require.Equal(t, inorder.Applied, s.apply(told("evt_1", "order.cancelled", 9, `{"id":"order_1"}`)).Outcome, "what was recorded")
	require.Equal(t, "pending", s.text(`SELECT status FROM orders`))
	require.Contains(t, logs.String(), "a different body")
	require.Contains(t, logs.String(), "event_id=evt_1")
	for range 3 {
		s.apply(told("evt_1", "order.cancelled", 9, `{"id":"order_1"}`))
	}
	require.Equal(t, 1, strings.Count(logs.String(), "\n"))
	s.Limited.Flush()
	require.Contains(t, logs.String(), "lines=3")

	odd := told("evt_2", "order.paid", 0, `1e400000`)
	s.discard(odd, "no use", "ops")
	logs.Reset()
	s.apply(odd)
	s.Limited.Flush()
	require.Empty(t, logs.String(), "it is compared as received, whatever is stored of it")
}

func TestTheSameEventAtTheSameTimeHasOneEffect(t *testing.T) {
	t.Parallel()
	s := newStore(t).patient()
	s.apply(created("evt_1"))
	refund := told("evt_2", "payment.refunded", 1, `{"order_id":"order_1","amount":{"amount":500,"currency":"KRW"}}`)
	release := s.holdOrder()
	var answers []<-chan answer
	for range 2 {
		answers = append(answers, s.start(refund))
	}
	s.blocked(2)
	release()
	for _, a := range answers {
		require.Equal(t, answer{activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}, nil}, <-a)
	}
	require.Equal(t, "500 1", s.text(`SELECT concat_ws(' ', refunded_amount, refunds) FROM order_refunds`))
	require.Equal(t, "1", s.text(`SELECT count(*) FROM webhook_events WHERE event_id = 'evt_2'`))
}

func TestEventsOfOneOrderDoNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.holdOrder()
	require.Equal(t, inorder.Applied, s.apply(told("evt_1", "order.created", 0, `{"id":"order_2"}`)).Outcome)
	require.Equal(t, inorder.Ignored, s.apply(told("evt_2", "cart.updated", 0, `{}`)).Outcome)
}

func TestApplyEventIsRunAgain(t *testing.T) {
	t.Parallel()
	t.Run("when its connection is lost while it waits for the lock", func(t *testing.T) {
		s := newStore(t).patient()
		release := s.holdOrder()
		done := s.start(created("evt_1"))
		s.terminate(s.blocked(1)[0])
		requireRetryable(t, (<-done).err)
		release()
		require.Equal(t, `[]`, s.everything())
		require.Equal(t, inorder.Applied, s.apply(created("evt_1")).Outcome)
	})
	t.Run("when its connection is lost in the middle of writing", func(t *testing.T) {
		s := newStore(t).patient()
		release := s.hold(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) VALUES ('order_1', '{}', now(), 0, 'x', now())`)
		done := s.start(created("evt_1")) // its webhook_events row is written, but not its order
		s.terminate(s.blocked(1)[0])
		requireRetryable(t, (<-done).err)
		require.Equal(t, `[]`, s.everything())
		release()
	})
	t.Run("when the answer to its commit is lost, and then answers what it did", func(t *testing.T) {
		s := newStore(t)
		s.apply(paid("evt_0"))
		s.apply(created("evt_1"))
		s.wire.loseAnswerTo("commit\x00") // not "read committed"
		requireRetryable(t, (<-s.start(paid("evt_0"))).err)
		stored := s.everything()
		require.Contains(t, stored, `"outcome": "applied"`)
		require.Equal(t, inorder.Applied, s.apply(paid("evt_0")).Outcome)
		require.Equal(t, stored, s.everything())
	})
	t.Run("when another run of it has just committed", func(t *testing.T) {
		s := newStore(t).patient()
		s.apply(created("evt_0"))
		release := s.hold(`INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_1', 'order.paid', 'stale', '{}')`)
		done := s.start(paid("evt_1"))
		s.blocked(1)
		release()
		requireRetryable(t, (<-done).err)
		require.Equal(t, "unpaid", s.text(`SELECT payment_status FROM orders`), "no second effect")
		require.Equal(t, inorder.Stale, s.apply(paid("evt_1")).Outcome)
	})
}

func (s *store) terminate(pid int32) {
	s.t.Helper()
	require.Equal(s.t, "true", s.text(`SELECT pg_terminate_backend($1)`, pid))
}
