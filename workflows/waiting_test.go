package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
	"inorder/workflows"
)

const actions = "Signal `retry`: try again now. Signal `discard` with `{\"reason\": \"…\", \"actor\": \"…\"}`, or *Request Cancellation*: " +
	"give it up, recorded. More: `inorder events show`  \n"

func TestWaiting(t *testing.T) {
	t.Run("until its order is created", func(t *testing.T) {
		p := newPlay(t, waiting, applied)
		p.after(10*time.Second, func() {
			next := start.Add(time.Minute)
			require.Equal(t, workflows.State{EventID: "evt_1", OrderID: "order_1", Phase: workflows.PhaseWaiting, Since: start,
				Detail: "its order has not been created yet", NextAttempt: &next}, p.state())
			require.Equal(t, actions+"**Waiting** for order `order_1`; continues when it is created. Next try at 12:01:00 UTC.", p.details())
		})
		p.after(20*time.Second, p.signal(workflows.SignalOrderCreated, nil))
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []time.Duration{0, 20 * time.Second}, p.ages)
		require.Equal(t, []bool{true, true}, p.local)
		require.Equal(t, []string{"waiting", ""}, p.phases)
		require.Empty(t, p.state().Phase)
	})
	t.Run("a signal that comes before the wait is kept", func(t *testing.T) {
		p := newPlay(t, errAway, errAway, waiting, applied)
		p.after(time.Millisecond, p.signal(workflows.SignalOrderCreated, nil)) // while the regular activity is retried
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Less(t, p.Now().Sub(start), 10*time.Second, "it did not wait for the timer")
	})
}

func TestWaitingTriesAgain(t *testing.T) {
	t.Run("at once on retry", func(t *testing.T) {
		p := newPlay(t, waiting, applied)
		p.after(time.Second, p.signal(workflows.SignalRetry, nil))
		p.run()
		require.Equal(t, []time.Duration{0, time.Second}, p.ages)
		require.Equal(t, []time.Time{{}, start.Add(time.Second)}, p.retried)
	})
	t.Run("by itself, when ApplyEvent said, with the age of the event", func(t *testing.T) {
		again := func(d time.Duration) activities.ApplyEventResult {
			r := waiting
			r.RecheckAfter = d
			return r
		}
		p := newPlay(t, again(time.Minute), again(time.Minute), again(2*time.Minute), again(time.Hour), applied)
		p.run()
		require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute, 4 * time.Minute, 64 * time.Minute}, p.ages)
		require.Equal(t, []string{"waiting", ""}, p.phases, "one upsert for all the attempts")
	})
	t.Run("once for each of several signals", func(t *testing.T) {
		p := newPlay(t, waiting, waiting, waiting, applied)
		p.after(time.Second, func() {
			p.SignalWorkflow(workflows.SignalOrderCreated, nil)
			p.SignalWorkflow(workflows.SignalRetry, nil)
			p.SignalWorkflow(workflows.SignalOrderCreated, nil)
		})
		p.run()
		require.Len(t, p.ages, 4)
	})
}

func TestWhatWaitsElsewhere(t *testing.T) {
	elsewhere := waiting
	elsewhere.Elsewhere = true
	t.Run("ends here", func(t *testing.T) {
		p := newPlay(t, elsewhere)
		p.run()
		require.Equal(t, inorder.Waiting, p.result().Outcome)
		require.Empty(t, p.phases)
	})
	t.Run("waits on, if older code has begun to wait", func(t *testing.T) {
		p := newPlay(t, elsewhere, applied)
		p.OnGetVersion("leave-elsewhere", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
		p.after(10*time.Second, p.signal(workflows.SignalOrderCreated, nil))
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []string{"waiting", ""}, p.phases)
	})
}

func TestWaitingEnds(t *testing.T) {
	t.Run("it gets stuck, and expires", func(t *testing.T) {
		last := stuck
		last.RecheckAfter = 30 * time.Minute
		p := newPlay(t, waiting, stuck, last, expired)
		p.after(2*time.Minute, func() {
			s := p.state()
			require.Equal(t, workflows.PhaseStuck, s.Phase)
			require.Equal(t, start.Add(time.Minute), s.Since)
			require.Equal(t, start.Add(61*time.Minute), *s.NextAttempt)
			require.Contains(t, p.details(), "**Stuck** for order `order_1`")
		})
		p.run()
		require.Equal(t, inorder.Expired, p.result().Outcome)
		require.Equal(t, []string{"waiting", "stuck", ""}, p.phases)
		require.Equal(t, "**Expired**: its order has not been created yet  \nMore: `inorder events show`", p.details())
	})
	t.Run("PostgreSQL goes away meanwhile", func(t *testing.T) {
		p := newPlay(t, waiting, errAway, errAway, waiting, applied)
		p.after(time.Minute+time.Second/2, func() {
			require.Equal(t, workflows.State{EventID: "evt_1", OrderID: "order_1", Phase: workflows.PhaseApplying, Since: start.Add(time.Minute)}, p.state())
		})
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []bool{true, true, false, false, true}, p.local)
		require.Equal(t, []string{"waiting", "applying", "waiting", ""}, p.phases)
	})
}

func TestAttention(t *testing.T) {
	t.Run("waits for a person for as long as it takes, and tells why", func(t *testing.T) {
		p := newPlay(t, attention, applied)
		p.after(time.Hour, func() {
			require.Equal(t, workflows.State{EventID: "evt_1", OrderID: "order_1", Phase: workflows.PhaseAttention, Since: start,
				Detail: "data.status must be a string"}, p.state())
			require.Equal(t, actions+"**Needs attention**: data.status must be a string. `inorder events amend` corrects it.", p.details())
		})
		p.after(365*24*time.Hour, p.signal(workflows.SignalRetry, nil))
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []time.Duration{0, 365 * 24 * time.Hour}, p.ages)
		require.Equal(t, []string{"attention", ""}, p.phases)
	})
	t.Run("discard gives it up", func(t *testing.T) {
		p := newPlay(t, attention)
		p.after(time.Hour, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"}))
		p.run()
		require.Equal(t, workflows.Result{Outcome: inorder.Discarded, OrderID: "order_1", Detail: "why (by ops)"}, p.result())
		require.Equal(t, []activities.DiscardEventInput{{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: start}, Reason: "why", Actor: "ops"}}, p.discards)
		require.Equal(t, []string{"attention", ""}, p.phases)
		require.Equal(t, "**Discarded**: why (by ops)  \nMore: `inorder events show`", p.details())
	})
	t.Run("retry does not help: it stays", func(t *testing.T) {
		p := newPlay(t, attention)
		p.after(time.Hour, p.signal(workflows.SignalRetry, nil))
		p.after(2*time.Hour, func() { require.Equal(t, workflows.PhaseAttention, p.state().Phase) })
		p.after(3*time.Hour, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"}))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Equal(t, []string{"attention", ""}, p.phases)
	})
	t.Run("the order's creation does not move it", func(t *testing.T) {
		p := newPlay(t, attention)
		p.after(time.Hour, p.signal(workflows.SignalOrderCreated, nil))
		p.after(2*time.Hour, p.signal(workflows.SignalDiscard, workflows.Discard{}))
		p.run()
		require.Len(t, p.ages, 1)
	})
}
