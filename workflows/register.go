package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register registers the workflows under their names on the wire, with a worker, a test or a replayer.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(ProcessEvent, workflow.RegisterOptions{Name: ProcessEventType})
	r.RegisterWorkflowWithOptions(PurgeEvents, workflow.RegisterOptions{Name: PurgeEventsType})
	r.RegisterWorkflowWithOptions(SweepEvents, workflow.RegisterOptions{Name: SweepEventsType})
	r.RegisterWorkflowWithOptions(CheckSubscription, workflow.RegisterOptions{Name: CheckSubscriptionType})
	r.RegisterWorkflowWithOptions(ReconcileOrders, workflow.RegisterOptions{Name: ReconcileOrdersType})
}
