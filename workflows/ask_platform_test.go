package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/activities"
	"inorder/workflows"
)

// asking is the result of an event that waits for its order and asks the platform for it.
var asking = activities.ApplyEventResult{Outcome: inorder.Waiting, OrderID: "order_1", Detail: "its order has not been created yet",
	RecheckAfter: 10 * time.Minute, AskPlatform: true}

// newQuestion returns a play with a platform that gives the answers in platform, the last one again and again.
func newQuestion(t *testing.T, answers []any, platform ...any) (p *play, asked *[]time.Duration) {
	p = newPlay(t, answers...)
	asked = &[]time.Duration{}
	var a *activities.Activities
	p.OnActivity(a.FetchOrder, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.FetchOrderInput) (activities.FetchOrderResult, error) {
		require.Equal(t, "order_1", in.OrderID)
		*asked = append(*asked, p.Now().Sub(start))
		next := platform[min(len(*asked), len(platform))-1]
		if err, failed := next.(error); failed {
			return activities.FetchOrderResult{}, err
		}
		return next.(activities.FetchOrderResult), nil
	}).Maybe()
	return p, asked
}

var (
	found    = activities.FetchOrderResult{Found: true, EventID: "reconcile-1"}
	notThere = activities.FetchOrderResult{Detail: "the platform does not know it in test mode"}
	errLate  = errors.New("no answer from the platform")
	// The activity's error for a 401.
	errKey = temporal.NewApplicationErrorWithOptions("401 (check HEADLESS_COMMERCE_API_KEY)", activities.PlatformErrorType,
		temporal.ApplicationErrorOptions{NextRetryDelay: 10 * time.Minute})
)

func TestAWaitingEventAsksThePlatform(t *testing.T) {
	t.Run("not while it is young", func(t *testing.T) {
		p, asked := newQuestion(t, []any{waiting, waiting, applied}, found)
		p.run()
		require.Empty(t, *asked)
	})
	t.Run("and goes on when the order comes of it", func(t *testing.T) {
		p, asked := newQuestion(t, []any{waiting, asking, applied}, found)
		p.after(2*time.Minute, func() {
			require.Contains(t, p.details(), "The platform has it, and a repair is creating it.")
			require.Equal(t, workflows.PhaseWaiting, p.state().Phase)
		})
		p.after(3*time.Minute, p.signal(workflows.SignalOrderCreated, nil)) // from the event that creates the order
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []time.Duration{time.Minute}, *asked)
		require.Equal(t, []time.Duration{0, time.Minute, 3 * time.Minute}, p.ages)
		require.Equal(t, []string{"waiting", ""}, p.phases)
	})
	t.Run("again at every look, while the platform does not know the order", func(t *testing.T) {
		p, asked := newQuestion(t, []any{asking, asking, asking, applied}, notThere)
		p.after(time.Minute, func() {
			require.Contains(t, p.details(), "Asked: the platform does not know it in test mode.")
		})
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []time.Duration{0, 10 * time.Minute, 20 * time.Minute}, *asked)
	})
	t.Run("also when it is stuck", func(t *testing.T) {
		late := asking
		late.Outcome = inorder.Stuck
		p, asked := newQuestion(t, []any{late, applied}, notThere)
		p.after(time.Minute, func() { require.Equal(t, workflows.PhaseStuck, p.state().Phase) })
		p.run()
		require.Len(t, *asked, 1)
	})
}

func TestAPlatformThatFailsDoesNotHoldUpTheEvent(t *testing.T) {
	t.Run("it is asked again, and the details say so", func(t *testing.T) {
		p, asked := newQuestion(t, []any{asking, applied}, errLate, errLate, errLate, notThere)
		p.after(time.Second, func() {
			require.Contains(t, p.details(), "The platform is being asked for it.")
		})
		p.run()
		require.Equal(t, []time.Duration{0, 10 * time.Second, 30 * time.Second, 70 * time.Second}, *asked)
		require.Equal(t, []time.Duration{0, 10 * time.Minute}, p.ages, "the looks go on beside it")
	})
	t.Run("a refused key is tried again slowly", func(t *testing.T) {
		long := asking
		long.RecheckAfter = time.Hour
		p, asked := newQuestion(t, []any{long, applied}, errKey)
		p.run()
		require.Equal(t, []time.Duration{0, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 40 * time.Minute, 50 * time.Minute}, *asked)
	})
	t.Run("a look ends the question and asks anew", func(t *testing.T) {
		p, asked := newQuestion(t, []any{asking, asking, applied}, errKey)
		p.after(5*time.Minute, p.signal(workflows.SignalRetry, nil))
		p.run()
		require.Equal(t, []time.Duration{0, 5 * time.Minute}, *asked)
	})
	t.Run("a new run does not begin over it", func(t *testing.T) {
		p, _ := newQuestion(t, []any{asking}, errLate)
		p.SetContinueAsNewSuggested(true)
		p.run()
		require.ErrorContains(t, p.GetWorkflowError(), "continue as new")
		require.Equal(t, 10*time.Minute, p.Now().Sub(start))
	})
}

func TestSignalsCountWhileThePlatformIsAsked(t *testing.T) {
	for _, signal := range []string{workflows.SignalOrderCreated, workflows.SignalRetry} {
		t.Run(signal, func(t *testing.T) {
			p, asked := newQuestion(t, []any{asking, applied}, errLate)
			p.after(15*time.Second, p.signal(signal, nil))
			p.run()
			require.Equal(t, inorder.Applied, p.result().Outcome)
			require.Equal(t, []time.Duration{0, 15 * time.Second}, p.ages)
			require.Len(t, *asked, 2)
		})
	}
	t.Run("discard", func(t *testing.T) {
		p, _ := newQuestion(t, []any{asking}, errLate)
		p.after(15*time.Second, p.signal(workflows.SignalDiscard, workflows.Discard{Reason: "why", Actor: "ops"}))
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Equal(t, []string{"waiting", ""}, p.phases)
	})
	t.Run("a cancellation", func(t *testing.T) {
		p, _ := newQuestion(t, []any{asking}, errLate)
		p.after(15*time.Second, p.CancelWorkflow)
		p.run()
		require.Equal(t, inorder.Discarded, p.result().Outcome)
		require.Equal(t, []string{"waiting", ""}, p.phases)
	})
}
