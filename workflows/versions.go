package workflows

import "go.temporal.io/sdk/workflow"

// Changes of behaviour: their names are in the histories. Each is asked for at the moment when it makes a difference. So an
// event that began under older code goes on as it began up to there, and has the change from there on. A run in which older
// code has passed such a moment keeps to the older behaviour: if it left a "discard" for later, that stays left for later.
const (
	// recordsCancellation: a cancellation gives the event up, where it used to end the workflow without a trace.
	recordsCancellation = "record-cancellation"
	// heedsSignals: "retry" and "discard" reach a running activity, where they used to wait for its end.
	heedsSignals = "heed-signals-while-running"
	// takesAnyDiscard: "discard" gives the event up also when its argument can't be read, where it used to be dropped.
	takesAnyDiscard = "take-any-discard"
)

func since(ctx workflow.Context, change string) bool {
	return workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) >= 1
}
