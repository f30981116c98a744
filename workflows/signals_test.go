package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/workflows"
)

func TestDiscardOfAWaitingEvent(t *testing.T) {
	t.Run("gives it up", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.after(time.Second, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"}))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Equal(t, []string{"waiting", ""}, p.phases)
	})
	t.Run("without an argument too", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.after(time.Second, p.signal(workflows.SignalDiscard, nil))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
	})
	t.Run("that cannot be read too, without a reason", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.after(time.Second, p.signal(workflows.SignalDiscard, "please"))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Empty(t, p.discards[0].Reason)
	})
	t.Run("with more than is kept of a text", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.after(time.Second, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: strings.Repeat("why ", 100_000), Actor: strings.Repeat("ops ", 100_000)}))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Less(t, len(p.discards[0].Reason)+len(p.discards[0].Actor), 5000)
	})
}

// Inputs of DiscardEvent.
var (
	canceled = activities.DiscardEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: start}, Canceled: true}
	signaled = activities.DiscardEventInput{Receipt: canceled.Receipt, Reason: "why", Actor: "ops"}
)

func TestGivingUp(t *testing.T) {
	for name, tc := range map[string]struct {
		answers []any
		phases  []string
	}{
		"while it waits":                         {[]any{waiting}, []string{"waiting", ""}},
		"while it needs attention":               {[]any{attention}, []string{"attention", ""}},
		"while PostgreSQL is away":               {[]any{errAway}, []string{"applying", ""}},
		"while PostgreSQL is away when it waits": {[]any{waiting, errAway}, []string{"waiting", "applying", ""}},
	} {
		t.Run("by a cancellation "+name, func(t *testing.T) {
			p := newPlay(t, tc.answers...)
			p.after(90*time.Second, p.CancelWorkflow)
			p.run()
			require.Equal(t, inorder.Discarded, p.result().Outcome)
			require.Equal(t, tc.phases, p.phases)
			require.Equal(t, []activities.DiscardEventInput{canceled}, p.discards)
		})
		t.Run("by discard "+name, func(t *testing.T) {
			p := newPlay(t, tc.answers...)
			p.after(90*time.Second, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"}))
			p.run()
			require.Equal(t, inorder.Discarded, p.result().Outcome)
			require.Equal(t, tc.phases, p.phases)
			require.Equal(t, []activities.DiscardEventInput{signaled}, p.discards)
		})
	}
}

func TestGivingUpAtOddMoments(t *testing.T) {
	t.Run("by a cancellation that was there before it began", func(t *testing.T) {
		p := newPlay(t, errAway)
		p.after(0, p.CancelWorkflow)
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
	})
	t.Run("by discard, while a cancellation comes too", func(t *testing.T) {
		p := newPlay(t, waiting)
		failures := 3
		p.discard = func() error {
			if failures--; failures >= 0 {
				return errAway
			}
			return nil
		}
		p.after(time.Second, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"}))
		p.after(2500*time.Millisecond, p.CancelWorkflow)
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Equal(t, signaled, p.discards[len(p.discards)-1], "the reason that was given stays")
	})
	t.Run("of an event that was applied after all releases what waits", func(t *testing.T) {
		p := newPlay(t, errAway)
		p.discarded = activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1", Waiters: 2}
		p.after(2*time.Second, p.CancelWorkflow)
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []string{"order_1"}, p.released)
	})
}

func TestRetryRunsWhatFailsNow(t *testing.T) {
	t.Run("while it is applied", func(t *testing.T) {
		p := newPlay(t, errAway, errAway, errAway, errAway, errAway, errAway, applied) // the last pause is 16 seconds
		p.after(20*time.Second, func() {
			p.SignalWorkflowSkippingWorkflowTask(workflows.SignalRetry, nil)
			p.SignalWorkflow(workflows.SignalRetry, nil)
		})
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, start.Add(20*time.Second), p.retried[len(p.retried)-1])
		require.Less(t, p.Now().Sub(start), 30*time.Second)
	})
	t.Run("while it is discarded", func(t *testing.T) {
		p := newPlay(t, waiting)
		p.discard = func() error {
			if p.Now().Sub(start) < 40*time.Second {
				return errAway
			}
			return nil
		}
		p.after(time.Second, p.signal(workflows.SignalDiscard, workflows.Discard{}))
		p.after(45*time.Second, p.signal(workflows.SignalRetry, nil)) // the next attempt would come later
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Less(t, p.Now().Sub(start), 50*time.Second)
	})
}

func TestNothingStopsARelease(t *testing.T) {
	r := applied
	r.Waiters = 1
	for name, interfere := range map[string]func(*play){
		"a cancellation": func(p *play) { p.CancelWorkflow() },
		"discard":        func(p *play) { p.SignalWorkflow(workflows.SignalDiscard, workflows.Discard{}) },
		"retry":          func(p *play) { p.SignalWorkflow(workflows.SignalRetry, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, r)
			failures := 2
			p.release = func() error {
				if failures--; failures >= 0 {
					return errAway
				}
				return nil
			}
			p.after(1500*time.Millisecond, func() { interfere(p) })
			p.run()
			require.Equal(t, inorder.Applied, p.result().Outcome)
			require.Equal(t, []string{"order_1"}, p.released)
			require.Empty(t, p.discards)
		})
	}
}
