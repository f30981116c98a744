package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
	"inorder/worker"
	"inorder/workflows"
)

// The whole way: migrate creates the schedule, its workflow runs on a worker, and the activity asks the platform.
func TestTheScheduleChecksTheSubscription(t *testing.T) {
	t.Parallel()
	o := options(t)
	_, api := testenv.StandIn(t, standin.Options{})
	o.Platform = testenv.Platform(t, api, standin.DefaultKey)
	store := webhooks.Store{Pool: o.Pool}
	require.NoError(t, store.Add(t.Context(), webhooks.Record{ID: "wh_gone", URL: "https://shop.example.com/", Events: []string{"*"},
		Mode: platform.Test, IsActive: true}, "whsec_gone"))

	ctx := within(t, testenv.Patience)
	require.NoError(t, worker.Provision(ctx, o))
	w := worker.New(o)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	schedule := o.Client.ScheduleClient().GetHandle(ctx, workflows.CheckSubscriptionScheduleID)
	is := described(t, schedule)
	require.Equal(t, 10*time.Minute, is.Schedule.Spec.Intervals[0].Every)
	require.Contains(t, is.Schedule.State.Note, "HOOK_AUTOREPAIR")

	require.NoError(t, schedule.Trigger(ctx, client.ScheduleTriggerOptions{}))
	var run *client.ScheduleWorkflowExecution
	require.Eventually(t, func() bool {
		is, err := schedule.Describe(ctx)
		if err == nil && len(is.Info.RecentActions) > 0 {
			run = is.Info.RecentActions[0].StartWorkflowResult
		}
		return run != nil
	}, testenv.Patience, 50*time.Millisecond)
	var check webhooks.Check
	require.NoError(t, o.Client.GetWorkflow(ctx, run.WorkflowID, run.FirstExecutionRunID).Get(ctx, &check))
	require.Equal(t, 1, check.Checked)
	require.Len(t, check.Faults, 1)
	require.Equal(t, "missing", check.Faults[0].Kind)
}
