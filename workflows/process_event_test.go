package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
	"inorder/workflows"
)

func TestFastPath(t *testing.T) {
	for _, outcome := range []inorder.Outcome{inorder.Applied, inorder.Stale, inorder.Ignored, inorder.Discarded, inorder.Expired} {
		t.Run(string(outcome)+" at once, by one local activity and without a search attribute", func(t *testing.T) {
			p := newPlay(t, activities.ApplyEventResult{Outcome: outcome, OrderID: "order_1", Detail: "because"})
			p.run()
			require.Equal(t, workflows.Result{Outcome: outcome, OrderID: "order_1", Detail: "because"}, p.result())
			require.Equal(t, []bool{true}, p.local)
			require.Empty(t, p.phases)
			require.Empty(t, p.released)
			require.Equal(t, workflows.State{EventID: "evt_1", OrderID: "order_1", Outcome: outcome, Detail: "because", Since: start}, p.state())
			require.Equal(t, "**"+strings.ToUpper(string(outcome[:1]))+string(outcome[1:])+"**: because  \nMore: `inorder events show`", p.details())
		})
	}
	t.Run("an order is created for which others wait: they are released", func(t *testing.T) {
		r := applied
		r.Waiters = 2
		p := newPlay(t, r)
		p.run()
		require.Equal(t, workflows.Result{Outcome: inorder.Applied, OrderID: "order_1"}, p.result())
		require.Equal(t, []string{"order_1"}, p.released)
		require.Empty(t, p.phases)
		require.Equal(t, "**Applied**  \nMore: `inorder events show`", p.details())
	})
}

func TestSlowPath(t *testing.T) {
	t.Run("the fast path fails: a regular activity is retried until it succeeds", func(t *testing.T) {
		p := newPlay(t, errAway, errAway, errAway, errAway, applied)
		p.after(time.Second/2, func() {
			require.Equal(t, workflows.PhaseApplying, p.state().Phase)
			require.Contains(t, p.details(), "**Applying** failed and is retried until it succeeds")
		})
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []bool{true, false, false, false, false}, p.local)
		require.Equal(t, []string{"applying", ""}, p.phases)
	})
	t.Run("an end that no retry can reach needs attention, whatever it is", func(t *testing.T) {
		p := newPlay(t, errAway) // the test environment gives up after ten attempts, unlike a server
		p.after(24*time.Hour, func() {
			require.Equal(t, workflows.PhaseAttention, p.state().Phase)
			require.Equal(t, "PostgreSQL is away", p.state().Detail)
		})
		p.after(25*time.Hour, p.signal(workflows.SignalDiscard, workflows.Discard{}))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
	})
	t.Run("a data error needs attention", func(t *testing.T) {
		p := newPlay(t, errData, errData, applied)
		p.after(time.Hour, func() {
			require.Equal(t, workflows.State{EventID: "evt_1", Phase: workflows.PhaseAttention, Since: start,
				Detail: "PostgreSQL refuses the event's data: SQLSTATE 22003"}, p.state())
		})
		p.after(2*time.Hour, p.signal(workflows.SignalRetry, nil))
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []string{"applying", "attention", ""}, p.phases)
	})
}

func TestContinueAsNew(t *testing.T) {
	t.Run("when the history has grown", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.SetContinueAsNewSuggested(true)
		p.run()
		var next *workflow.ContinueAsNewError
		require.ErrorAs(t, p.GetWorkflowError(), &next)
		require.Equal(t, workflows.ProcessEventType, next.WorkflowType.Name)
		require.Equal(t, eventBody, string(next.Input.GetPayloads()[0].GetData()))
		require.JSONEq(t, `{"event_id":"evt_1","received_at":"2025-01-15T12:00:00Z"}`, string(next.Input.GetPayloads()[1].GetData()))
		require.Equal(t, time.Minute, p.Now().Sub(start), "only after the wait")
		require.Equal(t, []string{"waiting", ""}, p.phases, "the new run shows its own")
	})
	t.Run("also when it needs attention", func(t *testing.T) {
		p := newPlay(t, attention)
		p.SetContinueAsNewSuggested(true)
		p.after(time.Hour, p.signal(workflows.SignalRetry, nil))
		p.run()
		var next *workflow.ContinueAsNewError
		require.ErrorAs(t, p.GetWorkflowError(), &next)
	})
	t.Run("but not over a discard that is not read yet", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.SetContinueAsNewSuggested(true)
		p.after(time.Second, func() {
			p.SignalWorkflowSkippingWorkflowTask(workflows.SignalRetry, nil)
			p.SignalWorkflow(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"})
		})
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
	})
}
