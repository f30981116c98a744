package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/testenv"
	"inorder/worker"
	"inorder/workflows"
)

func TestAnEventIsAppliedAndFound(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	require.Equal(t, workflows.Result{Outcome: inorder.Applied, OrderID: s.order}, s.result(s.begin(e)))
	require.Equal(t, "confirmed", s.text(`SELECT status FROM orders`))
	s.eventually("a visibility query finds it", func() bool {
		r, err := s.client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf(`OrderId=%q AND StoreId="store_1" AND EventType="order.created" AND ExecutionStatus="Completed" AND EventPhase IS NULL`, s.order)})
		require.NoError(t, err)
		return r.GetCount() == 1
	})
	d, err := s.client.DescribeWorkflow(t.Context(), e.ID, "")
	require.NoError(t, err)
	summary, err := d.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "order.created → "+s.order, summary)
	length := d.HistoryLength
	for tries := 1; length > 6 && tries < 5; tries++ { // a stall of a few seconds in the middle of it leads to the slow path, or makes Temporal repeat its task
		run := s.begin(s.event("order.updated", confirmed))
		s.result(run)
		again, err := s.client.DescribeWorkflow(t.Context(), run.GetID(), "")
		require.NoError(t, err)
		length = again.HistoryLength
	}
	require.LessOrEqual(t, length, 6, "the fast path is six events of history")
	require.Equal(t, inorder.Applied, s.state(e.ID).Outcome, "a completed event still tells")
}

func TestAWaitingEventIsReleased(t *testing.T) {
	t.Parallel()
	t.Run("by the event that creates its order", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		paid, shipped := s.event("order.paid", ""), s.event("order.fulfilled", "")
		runs := []client.WorkflowRun{s.begin(paid), s.begin(shipped)}
		s.awaitPhase(paid, workflows.PhaseWaiting)
		s.awaitPhase(shipped, workflows.PhaseWaiting)
		require.NotNil(t, s.state(paid.ID).NextAttempt)
		s.result(s.begin(s.event("order.created", confirmed)))
		for _, run := range runs {
			require.Equal(t, inorder.Applied, s.result(run).Outcome)
		}
		require.Equal(t, "paid fulfilled", s.text(`SELECT payment_status || ' ' || fulfillment_status FROM orders`))
		require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
		s.eventually("no phase is left", func() bool { return s.find(paid, "waiting") == 0 })
	})
	t.Run("also if somebody terminated it", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		paid := s.event("order.paid", "")
		s.begin(paid)
		s.awaitPhase(paid, workflows.PhaseWaiting)
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), paid.ID, "", "a mistake"))
		s.result(s.begin(s.event("order.created", confirmed)))
		s.eventually("the event is applied", func() bool { return s.text(`SELECT payment_status FROM orders`) == "paid" })
		require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), paid.ID, "")).Outcome)
	})
	t.Run("at its own next look", func(t *testing.T) {
		s := newSystem(t)
		s.work(func(o *worker.Options) { o.Wait.Recheck = 100 * time.Millisecond })
		paid := s.event("order.paid", "")
		run := s.begin(paid)
		s.awaitPhase(paid, workflows.PhaseWaiting)
		_, err := s.pool.Exec(t.Context(), `INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) VALUES ($1, '{}', now(), 0, 'x', now())`, s.order)
		require.NoError(t, err)
		require.Equal(t, inorder.Applied, s.result(run).Outcome)
	})
}

func TestWakingACompletedEventDoesNotReviveIt(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	run := s.begin(e)
	s.result(run)
	alive, err := s.events().Wake(t.Context(), e.ID)
	require.NoError(t, err)
	require.False(t, alive)
	d, err := describe(t.Context(), s.client, e.ID)
	require.NoError(t, err)
	require.Equal(t, run.GetRunID(), d.GetWorkflowExecutionInfo().GetExecution().GetRunId())
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, s.status(e))
}

// Start is for events that PostgreSQL lacks; Temporal may know their ID from before a restore. If PostgreSQL has the event after all, nothing happens twice.
func TestStartingACompletedEventHasNoSecondEffect(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	s.result(s.begin(e))
	const state = `SELECT string_agg(to_jsonb(e)::text || to_jsonb(o)::text, '') FROM webhook_events e JOIN orders o ON o.id = e.order_id`
	before := s.text(state)
	require.NoError(t, s.events().Start(t.Context(), e))
	require.Eventually(t, func() bool { return s.status(e) == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED }, testenv.Patience, 20*time.Millisecond)
	require.Equal(t, before, s.text(state))
}

func TestRedelivery(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	begin := func(e inorder.Event) (client.WorkflowRun, error) {
		options, body, receipt := workflows.StartRequest(s.queue, e)
		return s.client.ExecuteWorkflow(t.Context(), options, workflows.ProcessEventType, body, receipt)
	}
	t.Run("of a completed event is refused", func(t *testing.T) {
		e := s.event("product.updated", "")
		s.result(s.begin(e))
		_, err := begin(e)
		requireAlreadyStarted(t, err)
	})
	t.Run("of a running event is refused", func(t *testing.T) {
		e := s.event("order.paid", "")
		s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		_, err := begin(e)
		requireAlreadyStarted(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, s.status(e))
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), e.ID, "", "a mistake"))
		t.Run("of a terminated event revives it", func(t *testing.T) {
			s.begin(e)
			s.awaitPhase(e, workflows.PhaseWaiting)
			s.result(s.begin(s.event("order.created", confirmed)))
			require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), e.ID, "")).Outcome)
		})
	})
	t.Run("of an event that Temporal has forgotten answers what was recorded, and has no effect", func(t *testing.T) {
		e := s.event("payment.refunded", `,"order_id":"`+s.order+`","amount":{"amount":5,"currency":"KRW"}`)
		require.Equal(t, inorder.Applied, s.result(s.begin(e)).Outcome)
		options, body, receipt := workflows.StartRequest(s.queue, e)
		options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE // as if the namespace's retention had passed
		again, err := s.client.ExecuteWorkflow(t.Context(), options, workflows.ProcessEventType, body, receipt)
		require.NoError(t, err)
		require.Equal(t, inorder.Applied, s.result(again).Outcome)
		require.Equal(t, "5", s.text(`SELECT refunded_amount FROM order_refunds`))
	})
}

func requireAlreadyStarted(t *testing.T, err error) {
	t.Helper()
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	require.ErrorAs(t, err, &started)
}

func TestALongHistoryGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(func(o *worker.Options) { o.Wait.Recheck = time.Hour })
	e := s.event("order.paid", "")
	first := s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	// Temporal suggests a new run at 4 MiB of history.
	for range 6 {
		s.signal(e, workflows.SignalRetry, make([]byte, 600_000))
	}
	s.eventually("a new run goes on", func() bool {
		d, err := describe(t.Context(), s.client, e.ID)
		require.NoError(t, err)
		if d.GetPendingWorkflowTask() == nil { // a signal that arrives as a run ends would keep it from ending
			s.signal(e, workflows.SignalRetry, make([]byte, 600_000))
		}
		return d.GetWorkflowExecutionInfo().GetExecution().GetRunId() != first.GetRunID()
	})
	s.awaitPhase(e, workflows.PhaseWaiting)
	s.result(s.begin(s.event("order.created", confirmed)))
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), e.ID, "")).Outcome)
	s.eventually("no phase is left", func() bool { return s.find(e, "waiting") == 0 })
}
