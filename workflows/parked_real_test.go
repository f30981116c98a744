package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/worker"
	"inorder/workflows"
)

func TestAStuckEventIsFoundAndDiscarded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait)
	e := s.event("order.paid", "")
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseStuck)
	require.Equal(t, "stuck", s.text(`SELECT phase FROM pending_events`))
	s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
	require.Equal(t, workflows.Result{Outcome: inorder.Discarded, OrderID: s.order, Detail: "a test order (by ops)"}, s.result(run))
	s.eventually("no phase is left", func() bool { return s.find(e, "stuck") == 0 })
}

func TestAnEventExpires(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait, func(o *worker.Options) { o.Wait.TTL = 300 * time.Millisecond })
	e := s.event("order.paid", "")
	require.Equal(t, inorder.Expired, s.result(s.begin(e)).Outcome)
	require.Equal(t, "expired", s.text(`SELECT outcome FROM webhook_events`))
}

func TestAttentionIsCuredByASetting(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.eventAt("order.created", time.Now().Add(2*time.Hour), confirmed)
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseAttention)
	s.work(func(o *worker.Options) { o.MaxEventSkew = 3 * time.Hour })
	s.signal(e, workflows.SignalRetry, nil)
	require.Equal(t, inorder.Applied, s.result(run).Outcome)
}

func TestWhatPostgreSQLRefusesNeedsAttention(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", `,"x":1e400000`)
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseAttention)
	require.Equal(t, "PostgreSQL refuses the event's data: SQLSTATE 22003", s.state(e.ID).Detail)
	s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "no number", Actor: "ops"})
	require.Equal(t, inorder.Discarded, s.result(run).Outcome)
	require.Equal(t, "string", s.text(`SELECT jsonb_typeof(payload) FROM webhook_events`))
}

func TestWhilePostgreSQLIsAwayEventsAreRetriedAndThenApplied(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	waits := s.event("order.paid", "")
	waiting := s.begin(waits)
	s.awaitPhase(waits, workflows.PhaseWaiting)

	back := s.stopDatabase()
	created := s.event("order.created", confirmed)
	run := s.begin(created)
	s.awaitPhase(created, workflows.PhaseApplying)
	s.eventually("the failing activity is in sight", func() bool {
		d, err := describe(t.Context(), s.client, created.ID)
		require.NoError(t, err)
		pending := d.GetPendingActivities()
		return len(pending) == 1 && pending[0].GetAttempt() > 1 && pending[0].GetLastFailure().GetMessage() != ""
	})
	back()
	require.Equal(t, inorder.Applied, s.result(run).Outcome)
	require.Equal(t, inorder.Applied, s.result(waiting).Outcome)
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	s.eventually("no phase is left", func() bool { return s.find(created, "applying") == 0 })
}
