package workflows_test

import (
	"context"
	"errors"
	"log/slog"
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

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/workflows"
)

var (
	start = time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)

	applied   = activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}
	waiting   = activities.ApplyEventResult{Outcome: inorder.Waiting, OrderID: "order_1", Detail: "its order has not been created yet", RecheckAfter: time.Minute}
	stuck     = activities.ApplyEventResult{Outcome: inorder.Stuck, OrderID: "order_1", Detail: "its order has not been created yet", RecheckAfter: time.Hour}
	expired   = activities.ApplyEventResult{Outcome: inorder.Expired, OrderID: "order_1", Detail: "its order has not been created yet"}
	attention = activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: "order_1", Detail: "data.status must be a string"}
	discarded = activities.ApplyEventResult{Outcome: inorder.Discarded, OrderID: "order_1", Detail: "why (by ops)"}

	errAway = errors.New("PostgreSQL is away")
	errData = temporal.NewNonRetryableApplicationError("PostgreSQL refuses the event's data: SQLSTATE 22003", activities.DataErrorType, nil)
)

// play is one ProcessEvent with a skipping clock, and activities that return what the test sets.
type play struct {
	*testsuite.TestWorkflowEnvironment
	t *testing.T

	answers []any // of ApplyEvent, in order, results or errors; the last one repeats

	discarded        activities.ApplyEventResult // the result of DiscardEvent
	discard, release func() error                // the errors of DiscardEvent and ReleaseWaiting

	local    []bool          // for every ApplyEvent, whether it was a local activity
	ages     []time.Duration // and its Age
	retried  []time.Time     // and its RetriedAt
	asked    []string        // and who asked for this attempt: "" for nobody, "audited", or the actor
	discards []activities.DiscardEventInput
	released []string // orders
	phases   []string // what EventPhase was set to; "" when it was unset
}

func newPlay(t *testing.T, answers ...any) *play {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	p := &play{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, answers: answers, discarded: discarded}
	p.SetWorkerOptions(worker.Options{WorkflowPanicPolicy: worker.FailWorkflow, DeadlockDetectionTimeout: testenv.Patience})
	p.SetTestTimeout(testenv.Patience) // the default of three seconds is the wall clock's
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
	require.Equal(p.t, activities.Receipt{EventID: "evt_1", ReceivedAt: start, RetriedAt: in.Receipt.RetriedAt, RetriedBy: in.Receipt.RetriedBy}, in.Receipt)
	p.retried = append(p.retried, in.Receipt.RetriedAt)
	asked := ""
	if in.Retried {
		asked = "audited"
	}
	if by := in.Receipt.RetriedBy; by != nil {
		asked = "by " + by.Actor
	}
	p.asked = append(p.asked, asked)
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

// after calls f while the workflow runs, when d has passed.
func (p *play) after(d time.Duration, f func()) { p.RegisterDelayedCallback(f, d) }

func (p *play) signal(name string, arg any) func() { return func() { p.SignalWorkflow(name, arg) } }

func (p *play) state() (s workflows.State) {
	p.t.Helper()
	v, err := p.QueryWorkflow(workflows.QueryState)
	require.NoError(p.t, err)
	require.NoError(p.t, v.Get(&s))
	return s
}

// details returns what the Temporal UI shows.
func (p *play) details() string {
	p.t.Helper()
	v, err := p.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(p.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(p.t, v.Get(&metadata))
	return metadata.GetCurrentDetails()
}
