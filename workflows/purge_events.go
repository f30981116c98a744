package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder/activities"
)

// PurgeEvents deletes what is older than the retention from webhook_events. A schedule starts it (PurgeScheduleID); its
// result says how many rows went and when it finished. While it runs, or fails and is retried, its current details say
// when it last succeeded.
func PurgeEvents(ctx workflow.Context) (activities.PurgeResult, error) {
	last := "It has not succeeded before."
	var r activities.PurgeResult
	if workflow.HasLastCompletionResult(ctx) && workflow.GetLastCompletionResult(ctx, &r) == nil {
		last = fmt.Sprintf("It last succeeded at %s and deleted %d rows.", r.FinishedAt.Format(time.RFC3339), r.Deleted)
	}
	workflow.SetCurrentDetails(ctx, "Deletes webhook_events rows that are older than EVENT_RETENTION. "+last)
	r = activities.PurgeResult{}
	err := workflow.ExecuteActivity(longRun(ctx, "purge webhook_events"), a.PurgeEvents, workflow.Now(ctx)).Get(ctx, &r)
	return r, err
}
