package workflows

import "go.temporal.io/sdk/workflow"

// Changes of behaviour, by the names that histories contain. Workflow code checks for a change where it first makes a difference.
// So an event that began under older code behaves as before up to that point, and has the change from there on. If older code has
// already passed that point in a run, the run keeps the old behaviour: a "discard" that it left for later stays left for later.
const (
	// recordsCancellation: a cancellation gives the event up. Before, it ended the workflow without a trace.
	recordsCancellation = "record-cancellation"
	// heedsSignals: "retry" and "discard" take effect while an activity runs. Before, they waited for its end.
	heedsSignals = "heed-signals-while-running"
	// takesAnyDiscard: "discard" gives the event up even if its argument can't be read. Before, it was dropped.
	takesAnyDiscard = "take-any-discard"
	// leavesElsewhere: a run ends if its event waits in another workflow. Before, it waited, too, although no row names it.
	leavesElsewhere = "leave-elsewhere"
)

func since(ctx workflow.Context, change string) bool {
	return workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) >= 1
}
