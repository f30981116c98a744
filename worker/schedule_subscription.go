package worker

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"inorder/workflows"
)

// checkSubscriptionSchedule looks every ten minutes: so long may the platform have stopped to tell us before somebody hears
// of it. What was missed is not caught up, because only how things are now counts.
func checkSubscriptionSchedule(taskQueue string) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID:   workflows.CheckSubscriptionScheduleID,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 10 * time.Minute}}, Jitter: time.Minute},
		Action: &client.ScheduleWorkflowAction{
			ID:            workflows.CheckSubscriptionScheduleID,
			Workflow:      workflows.CheckSubscriptionType,
			TaskQueue:     taskQueue,
			StaticSummary: "check that our webhooks exist on the platform, are active and as registered",
		},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: time.Minute,
		Note:          "Compares the webhooks that were registered from here with what the platform has; with HOOK_AUTOREPAIR=true it puts right what differs." + whoseNote,
	}
}
