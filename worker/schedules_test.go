package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"inorder/dev/testenv"
	"inorder/worker"
	"inorder/workflows"
)

func TestOrdersAreReconciledAsOftenAsItIsSet(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	for _, every := range []time.Duration{90 * time.Minute, 30 * time.Minute} {
		o.ReconcileEvery = every
		require.NoError(t, worker.Provision(ctx, o))
		d := described(t, o.Client.ScheduleClient().GetHandle(ctx, workflows.ReconcileScheduleID))
		require.Len(t, d.Schedule.Spec.Intervals, 1)
		require.Equal(t, every, d.Schedule.Spec.Intervals[0].Every)
		require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, d.Schedule.Policy.Overlap)
		require.False(t, d.Schedule.State.Paused)
	}
}
