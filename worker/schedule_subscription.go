package worker

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"inorder/workflows"
)

// checkSubscriptionSchedule checks our webhooks at the platform.
func checkSubscriptionSchedule(taskQueue string) client.ScheduleOptions {
	return everyTenMinutes(workflows.CheckSubscriptionScheduleID, workflows.CheckSubscriptionType, taskQueue,
		"check that our webhooks exist on the platform, are active and as registered",
		"Compares the webhooks that were registered from here with what the platform has; with HOOK_AUTOREPAIR=true it puts right what differs.")
}

// everyTenMinutes is the schedule of a check. What it finds may be ten minutes old. Runs that were missed are not caught up, because
// only the present state counts.
func everyTenMinutes(id, workflow, taskQueue, summary, note string) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID:            id,
		Spec:          client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 10 * time.Minute}}, Jitter: time.Minute},
		Action:        &client.ScheduleWorkflowAction{ID: id, Workflow: workflow, TaskQueue: taskQueue, StaticSummary: summary},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: time.Minute,
		Note:          note + whoseNote,
	}
}
