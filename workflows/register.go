package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register makes the workflows known under their names on the wire. It takes a registry, so a worker, a test and a
// replayer share it.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(ProcessEvent, workflow.RegisterOptions{Name: ProcessEventType})
	r.RegisterWorkflowWithOptions(PurgeEvents, workflow.RegisterOptions{Name: PurgeEventsType})
	r.RegisterWorkflowWithOptions(SweepEvents, workflow.RegisterOptions{Name: SweepEventsType})
	r.RegisterWorkflowWithOptions(CheckSubscription, workflow.RegisterOptions{Name: CheckSubscriptionType})
	r.RegisterWorkflowWithOptions(ReconcileOrders, workflow.RegisterOptions{Name: ReconcileOrdersType})
}
