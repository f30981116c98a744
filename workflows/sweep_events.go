package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder/activities"
)

// SweepEvents brings back the events that lost their workflow: somebody terminated or deleted it. A schedule starts it
// (SweepScheduleID). What it found and did is its result. An event that could not be brought back is no failure of the
// sweep: the next one tries again.
func SweepEvents(ctx workflow.Context) (activities.SweepEventsResult, error) {
	in := activities.SweepEventsInput{Now: workflow.Now(ctx)}
	last := "None has finished before."
	var r activities.SweepEventsResult
	if workflow.HasLastCompletionResult(ctx) && workflow.GetLastCompletionResult(ctx, &r) == nil {
		in.Since = r.BeganAt
		last = fmt.Sprintf("The last one finished at %s, checked %d events, and started %d anew.", r.FinishedAt.Format(time.RFC3339), r.Checked, r.Started)
	}
	workflow.SetCurrentDetails(ctx, "Brings back events whose workflow was terminated, deleted or lost. "+last)
	r = activities.SweepEventsResult{}
	err := workflow.ExecuteActivity(longRun(ctx, "bring back events that lost their workflow"), a.SweepEvents, in).Get(ctx, &r)
	return r, err
}
