package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/sample"
	"inorder/worker"
	"inorder/workflows"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// options returns the options for a new, empty namespace.
func options(t *testing.T) worker.Options {
	namespace := testenv.Namespace(t)
	return worker.Options{
		Pool:      testenv.Database(t),
		Client:    testenv.TemporalIn(t, namespace),
		Namespace: namespace,
		TaskQueue: sample.NewID("worker-"),
		Log:       testenv.Log,
		Limited:   loglimit.New(testenv.Log, loglimit.Every),

		ReconcileEvery: time.Hour,
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// described retries until Temporal describes the schedule: for a new one, a busy development server may take longer than the client waits.
func described(t *testing.T, schedule client.ScheduleHandle) (is *client.ScheduleDescription) {
	require.Eventually(t, func() (ok bool) {
		var err error
		is, err = schedule.Describe(t.Context())
		return err == nil
	}, testenv.Patience, 100*time.Millisecond)
	return is
}

// start starts an event's workflow with all search attributes that a start sets. No worker takes it.
func start(ctx context.Context, o worker.Options) error {
	e, err := inorder.ParseEvent(sample.Event(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")}))
	if err != nil {
		return err
	}
	options, body, receipt := workflows.StartRequest(o.TaskQueue, e)
	_, err = o.Client.ExecuteWorkflow(ctx, options, workflows.ProcessEventType, body, receipt)
	return err
}

func TestProvisionByFiveAtOnceLetsEventsStartAtOnce(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	require.ErrorContains(t, worker.Await(ctx, o), "isn't marked as this database's yet: run `inorder migrate`")
	require.NoError(t, worker.Claim(ctx, o))
	require.ErrorContains(t, worker.Await(ctx, o), "lacks the search attributes OrderId, StoreId, EventType, EventPhase: run `inorder migrate`")

	var five sync.WaitGroup
	for range 5 {
		five.Go(func() {
			if err := worker.Provision(ctx, o); err != nil {
				t.Error(err)
			} else if err := start(ctx, o); err != nil {
				t.Errorf("start right after Provision: %v", err)
			}
		})
	}
	five.Wait()
	require.NoError(t, worker.Await(ctx, o))
}

func TestProvisionSetsTheScheduleToWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	require.NoError(t, worker.Provision(ctx, o))
	schedule := o.Client.ScheduleClient().GetHandle(ctx, workflows.PurgeScheduleID)

	// Somebody changes everything.
	require.NoError(t, schedule.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			return &client.ScheduleUpdate{Schedule: &client.Schedule{
				Spec:   &client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Hour}}},
				Action: &client.ScheduleWorkflowAction{ID: "x", Workflow: "X", TaskQueue: "x"},
				Policy: &client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, PauseOnFailure: true},
				State:  &client.ScheduleState{Note: "x"},
			}}, nil
		},
	}))
	require.NoError(t, worker.Provision(ctx, o))

	is := described(t, schedule)
	action := is.Schedule.Action.(*client.ScheduleWorkflowAction)
	require.Equal(t, workflows.PurgeEventsType, action.Workflow)
	require.Equal(t, o.TaskQueue, action.TaskQueue)
	require.Empty(t, is.Schedule.Spec.Intervals)
	require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, is.Schedule.Policy.Overlap)
	require.Equal(t, 12*time.Hour, is.Schedule.Policy.CatchupWindow)
	require.False(t, is.Schedule.Policy.PauseOnFailure)
	require.Contains(t, is.Schedule.State.Note, "EVENT_RETENTION")
	require.False(t, is.Schedule.State.LimitedActions)
	for _, next := range is.Info.NextActionTimes {
		at := next.UTC()
		require.Equal(t, 3, at.Hour())
		require.True(t, at.Minute() >= 17 && at.Minute() <= 27, at)
	}
}

func TestProvisionKeepsAPauseAndItsReason(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	require.NoError(t, worker.Provision(ctx, o))
	schedule := o.Client.ScheduleClient().GetHandle(ctx, workflows.PurgeScheduleID)
	require.NoError(t, schedule.Pause(ctx, client.SchedulePauseOptions{Note: "while we look into it"}))
	require.NoError(t, worker.Provision(ctx, o))
	is := described(t, schedule)
	require.True(t, is.Schedule.State.Paused)
	require.Equal(t, "while we look into it", is.Schedule.State.Note)
}

func TestASearchAttributeOfAnotherTypeIsNamed(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	_, err := o.Client.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace:        o.Namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{"OrderId": enumspb.INDEXED_VALUE_TYPE_INT},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		err = worker.Provision(ctx, o)
		return err != nil
	}, testenv.Patience, 50*time.Millisecond)
	require.ErrorContains(t, err, "OrderId")
	require.ErrorContains(t, err, "must be Keyword")
}
