package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
	"inorder/workflows"
)

var (
	start = time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)

	applied   = activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}
	waiting   = activities.ApplyEventResult{Outcome: inorder.Waiting, OrderID: "order_1", Detail: "its order has not been created yet", LookAgain: time.Minute}
	stuck     = activities.ApplyEventResult{Outcome: inorder.Stuck, OrderID: "order_1", Detail: "its order has not been created yet", LookAgain: time.Hour}
	expired   = activities.ApplyEventResult{Outcome: inorder.Expired, OrderID: "order_1", Detail: "its order has not been created yet"}
	attention = activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: "order_1", Detail: "data.status must be a string"}
	discarded = activities.ApplyEventResult{Outcome: inorder.Discarded, OrderID: "order_1", Detail: "why (by ops)"}

	errAway = errors.New("PostgreSQL is away")
	errData = temporal.NewNonRetryableApplicationError("PostgreSQL refuses the event's data: SQLSTATE 22003", activities.DataErrorType, nil)
)

// play is one ProcessEvent with a clock that skips, and activities that answer what they are told to.
type play struct {
	*testsuite.TestWorkflowEnvironment
	t *testing.T

	answers []any // of ApplyEvent, in order, results or errors; the last one stays

	discarded        activities.ApplyEventResult // what DiscardEvent answers
	discard, release func() error                // fails DiscardEvent, ReleaseWaiting

	local    []bool          // for every ApplyEvent whether it was a local activity
	ages     []time.Duration // and how old it was told that the event is
	retried  []time.Time     // and when somebody last said "retry"
	discards []activities.DiscardEventInput
	released []string // orders
	phases   []string // what EventPhase was set to; "" when it was unset
}

func newPlay(t *testing.T, answers ...any) *play {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	p := &play{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, answers: answers, discarded: discarded}
	p.SetWorkerOptions(worker.Options{WorkflowPanicPolicy: worker.FailWorkflow})
	p.SetStartTime(start)
	workflows.Register(p)
	p.RegisterActivity(&activities.Activities{})

	var a *activities.Activities
	p.OnActivity(a.ApplyEvent, mock.Anything, mock.Anything, mock.Anything).Return(p.apply).Maybe()
	p.OnActivity(a.DiscardEvent, mock.Anything, mock.Anything, mock.Anything).Return(
		func(_ context.Context, _ converter.RawValue, in activities.DiscardEventInput) (activities.ApplyEventResult, error) {
			p.discards = append(p.discards, in)
			if p.discard != nil {
				if err := p.discard(); err != nil {
					return activities.ApplyEventResult{}, err
				}
			}
			return p.discarded, nil
		}).Maybe()
	p.OnActivity(a.ReleaseWaiting, mock.Anything, mock.Anything).Return(func(_ context.Context, order string) (int, error) {
		if p.release != nil {
			if err := p.release(); err != nil {
				return 0, err
			}
		}
		p.released = append(p.released, order)
		return 1, nil
	}).Maybe()
	p.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		phase, _ := args.Get(0).(temporal.SearchAttributes).GetKeyword(workflows.EventPhaseKey)
		p.phases = append(p.phases, phase)
	}).Return(nil).Maybe()
	return p
}

func (p *play) apply(ctx context.Context, body converter.RawValue, in activities.ApplyEventInput) (activities.ApplyEventResult, error) {
	require.Equal(p.t, eventBody, string(body.Payload().GetData()), "byte for byte")
	require.Equal(p.t, activities.Receipt{EventID: "evt_1", ReceivedAt: start, RetriedAt: in.Receipt.RetriedAt}, in.Receipt)
	p.retried = append(p.retried, in.Receipt.RetriedAt)
	p.local = append(p.local, activity.GetInfo(ctx).IsLocalActivity)
	p.ages = append(p.ages, in.Age)
	next := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	if err, failed := next.(error); failed {
		return activities.ApplyEventResult{}, err
	}
	return next.(activities.ApplyEventResult), nil
}

const eventBody = `{"id":"evt_1","type":"order.paid" , "data":{"id":"order_1","note":"<&>"}}`

func (p *play) run() {
	body := converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, Data: []byte(eventBody)})
	p.ExecuteWorkflow(workflows.ProcessEventType, body, activities.Receipt{EventID: "evt_1", ReceivedAt: start})
	require.True(p.t, p.IsWorkflowCompleted())
}

func (p *play) result() workflows.Result {
	p.t.Helper()
	require.NoError(p.t, p.GetWorkflowError())
	var r workflows.Result
	require.NoError(p.t, p.GetWorkflowResult(&r))
	return r
}

// after does something while the workflow runs.
func (p *play) after(d time.Duration, f func()) { p.RegisterDelayedCallback(f, d) }

func (p *play) signal(name string, arg any) func() { return func() { p.SignalWorkflow(name, arg) } }

func (p *play) state() (s workflows.State) {
	p.t.Helper()
	v, err := p.QueryWorkflow(workflows.QueryState)
	require.NoError(p.t, err)
	require.NoError(p.t, v.Get(&s))
	return s
}

// details is what the Temporal UI shows.
func (p *play) details() string {
	p.t.Helper()
	v, err := p.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(p.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(p.t, v.Get(&metadata))
	return metadata.GetCurrentDetails()
}

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
			require.Equal(t, "**"+string(outcome)+"**: because", p.details())
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
		require.Equal(t, "**applied**", p.details())
	})
}

func TestSlowPath(t *testing.T) {
	t.Run("the fast path fails: a regular activity is retried until it succeeds", func(t *testing.T) {
		p := newPlay(t, errAway, errAway, errAway, errAway, applied)
		p.after(time.Second/2, func() {
			require.Equal(t, workflows.PhaseApplying, p.state().Phase)
			require.Contains(t, p.details(), "**Applying** failed, and is tried again until it succeeds")
		})
		p.run()
		require.Equal(t, inorder.Applied, p.result().Outcome)
		require.Equal(t, []bool{true, false, false, false, false}, p.local)
		require.Equal(t, []string{"applying", ""}, p.phases)
	})
	t.Run("an end that no retry can reach needs attention, whatever it is", func(t *testing.T) {
		p := newPlay(t, errAway) // the test environment gives up after ten attempts; a server does not
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

const discardDetails = "Signal `discard` with `{\"reason\": \"…\", \"actor\": \"…\"}`, or *Request Cancellation*: give it up, recorded.\n\n"

func TestWaiting(t *testing.T) {
	t.Run("until its order is created", func(t *testing.T) {
		p := newPlay(t, waiting, applied)
		p.after(10*time.Second, func() {
			next := start.Add(time.Minute)
			require.Equal(t, workflows.State{EventID: "evt_1", OrderID: "order_1", Phase: workflows.PhaseWaiting, Since: start,
				Detail: "its order has not been created yet", NextLook: &next}, p.state())
			require.Equal(t, "Signal `retry`: look again now. "+discardDetails+
				"**Waiting** for order `order_1`, and goes on by itself when that is created. Looks again at 2025-01-15T12:01:00Z.", p.details())
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
	t.Run("retry makes it look now", func(t *testing.T) {
		p := newPlay(t, waiting, applied)
		p.after(time.Second, p.signal(workflows.SignalRetry, nil))
		p.run()
		require.Equal(t, []time.Duration{0, time.Second}, p.ages)
		require.Equal(t, []time.Time{{}, start.Add(time.Second)}, p.retried)
	})
	t.Run("it looks by itself, when ApplyEvent said, and tells how old it is", func(t *testing.T) {
		again := func(d time.Duration) activities.ApplyEventResult {
			r := waiting
			r.LookAgain = d
			return r
		}
		p := newPlay(t, again(time.Minute), again(time.Minute), again(2*time.Minute), again(time.Hour), applied)
		p.run()
		require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute, 4 * time.Minute, 64 * time.Minute}, p.ages)
		require.Equal(t, []string{"waiting", ""}, p.phases, "one upsert for all the looking")
	})
	t.Run("several signals at once are one look each", func(t *testing.T) {
		p := newPlay(t, waiting, waiting, waiting, applied)
		p.after(time.Second, func() {
			p.SignalWorkflow(workflows.SignalOrderCreated, nil)
			p.SignalWorkflow(workflows.SignalRetry, nil)
			p.SignalWorkflow(workflows.SignalOrderCreated, nil)
		})
		p.run()
		require.Len(t, p.ages, 4)
	})
	t.Run("it gets stuck, and expires", func(t *testing.T) {
		last := stuck
		last.LookAgain = 30 * time.Minute
		p := newPlay(t, waiting, stuck, last, expired)
		p.after(2*time.Minute, func() {
			s := p.state()
			require.Equal(t, workflows.PhaseStuck, s.Phase)
			require.Equal(t, start.Add(time.Minute), s.Since)
			require.Equal(t, start.Add(61*time.Minute), *s.NextLook)
			require.Contains(t, p.details(), "**Stuck** for order `order_1`")
		})
		p.run()
		require.Equal(t, inorder.Expired, p.result().Outcome)
		require.Equal(t, []string{"waiting", "stuck", ""}, p.phases)
		require.Equal(t, "**expired**: its order has not been created yet", p.details())
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
			require.Equal(t, "Signal `retry`: look again. "+discardDetails+"**Needs attention**: data.status must be a string. It stays until somebody decides.", p.details())
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
		require.Equal(t, "**discarded**: why (by ops)", p.details())
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

func TestGivingUp(t *testing.T) {
	canceled := activities.DiscardEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: start}, Canceled: true}
	signaled := activities.DiscardEventInput{Receipt: canceled.Receipt, Reason: "why", Actor: "ops"}
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
		p := newPlay(t, errAway, errAway, errAway, errAway, errAway, errAway, applied) // the last pause is sixteen seconds
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
		p.after(45*time.Second, p.signal(workflows.SignalRetry, nil)) // the next attempt would be later
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

func TestPurgeEvents(t *testing.T) {
	p := newPlay(t)
	var a *activities.Activities
	want := activities.PurgeResult{Deleted: 3, OlderThan: start.AddDate(0, -1, 0), FinishedAt: start}
	failures := 2
	p.OnActivity(a.PurgeEvents, mock.Anything, start).Return(func(context.Context, time.Time) (activities.PurgeResult, error) {
		if failures--; failures >= 0 {
			return activities.PurgeResult{}, errAway
		}
		return want, nil
	})
	p.SetLastCompletionResult(activities.PurgeResult{Deleted: 7, FinishedAt: start.AddDate(0, 0, -1)})
	p.ExecuteWorkflow(workflows.PurgeEventsType)
	var got activities.PurgeResult
	require.NoError(t, p.GetWorkflowResult(&got))
	require.Equal(t, want, got)
	require.Equal(t, "Deletes webhook_events rows that are older than EVENT_RETENTION. It last succeeded at 2025-01-14T12:00:00Z and deleted 7 rows.", p.details())
}
