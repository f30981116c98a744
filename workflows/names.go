// Package workflows holds what happens to an event over time. Workflow code is deterministic: it uses the workflow's
// time, timers and signals, and leaves the rest to activities.
package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"inorder"
)

// The names on the wire, each defined once. Programs outside this repository rely on them, so changing one is a migration.
const (
	DefaultTaskQueue = "inorder"

	// Workflow types.
	ProcessEventType      = "ProcessEvent" // its workflow ID is the event's ID, exactly
	PurgeEventsType       = "PurgeEvents"
	SweepEventsType       = "SweepEvents"
	ReconcileOrdersType   = "ReconcileOrders"
	CheckSubscriptionType = "CheckSubscription"
	BulkActionType        = "BulkAction" // its workflow ID is the bulk action's ID

	// Signals to ProcessEvent.
	SignalOrderCreated = "order.created" // the order exists: apply the event again now
	SignalRetry        = "retry"         // make the next attempt now, whatever the phase
	SignalDiscard      = "discard"       // give the event up, whatever the phase; carries a Discard

	// SignalStop ends a BulkAction; what it did stays done. It may carry a Discard, which names who stopped it and why.
	SignalStop = "stop"

	// Queries.
	QueryState    = "state"    // of ProcessEvent; returns a State
	QueryProgress = "progress" // of ReconcileOrders, returns a ReconcileProgress; of BulkAction, returns a bulk.Progress

	// Schedules, and the workflows that they start.
	PurgeScheduleID             = "inorder-purge-events"
	SweepScheduleID             = "inorder-sweep-events"
	ReconcileScheduleID         = "inorder-reconcile-orders"
	CheckSubscriptionScheduleID = "inorder-check-subscription"
	OwnerScheduleID             = "inorder-owner" // never runs; its memo names the database that the namespace belongs to

	// ReconcileByHandID is the workflow ID of `inorder orders reconcile`: only one runs at a time, so that a second call
	// finds the first.
	ReconcileByHandID = ReconcileScheduleID + "-by-hand"

	// The memo of OwnerScheduleID.
	MemoDatabaseID = "database_id" // the system_identity of the database that the namespace belongs to
	MemoDatabase   = "database"    // its name, for people
)

// PlatformTaskQueue returns the task queue of the activities that ask the platform for orders: FetchOrder and the steps of
// ReconcileOrders. On a queue of their own, they hold up no other activity, however many they are and however long they take.
// CheckSubscription, which runs alone, stays on taskQueue.
func PlatformTaskQueue(taskQueue string) string { return taskQueue + "-platform" }

// Search attributes, all of type Keyword. The first three are set at the start, which costs nothing; EventPhase is set only
// off the fast path.
var (
	OrderIDKey    = temporal.NewSearchAttributeKeyKeyword("OrderId")
	StoreIDKey    = temporal.NewSearchAttributeKeyKeyword("StoreId")
	EventTypeKey  = temporal.NewSearchAttributeKeyKeyword("EventType")
	EventPhaseKey = temporal.NewSearchAttributeKeyKeyword("EventPhase")

	SearchAttributes = []string{OrderIDKey.GetName(), StoreIDKey.GetName(), EventTypeKey.GetName(), EventPhaseKey.GetName()}
)

// Phase is where an event that has left the fast path stands. The constants are the values of EventPhase.
type Phase string

const (
	PhaseApplying  Phase = "applying"
	PhaseWaiting   Phase = "waiting"
	PhaseStuck     Phase = "stuck"
	PhaseAttention Phase = "attention"
)

// Discard is the argument of the signal "discard".
type Discard struct {
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
	// ActID is the ID of an act that the admin API has recorded already; "" if a person sent the signal in Temporal.
	ActID string `json:"act_id,omitempty"`
}

// Retry is the optional argument of the signal "retry".
type Retry struct {
	Reason string `json:"reason,omitempty"`
	Actor  string `json:"actor,omitempty"`
	// Audited is set if the act is in the audit already, or if no person asked for the retry.
	Audited bool `json:"audited,omitempty"`
}

// State is the answer to the query "state".
type State struct {
	EventID     string          `json:"event_id"`
	OrderID     string          `json:"order_id,omitempty"`
	Phase       Phase           `json:"phase,omitempty"`   // empty once there is an outcome
	Outcome     inorder.Outcome `json:"outcome,omitempty"` // empty while there is a phase
	Detail      string          `json:"detail,omitempty"`
	Since       time.Time       `json:"since"`               // of the phase
	NextAttempt *time.Time      `json:"next_look,omitempty"` // when a waiting event is applied again by itself
}

// Result is what ProcessEvent ends with.
type Result struct {
	Outcome inorder.Outcome `json:"outcome"`
	Detail  string          `json:"detail,omitempty"`
	OrderID string          `json:"order_id,omitempty"`
}

// Register registers the workflows under their names on the wire with a worker, a test environment or a replayer.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(ProcessEvent, workflow.RegisterOptions{Name: ProcessEventType})
	r.RegisterWorkflowWithOptions(PurgeEvents, workflow.RegisterOptions{Name: PurgeEventsType})
	r.RegisterWorkflowWithOptions(SweepEvents, workflow.RegisterOptions{Name: SweepEventsType})
	r.RegisterWorkflowWithOptions(CheckSubscription, workflow.RegisterOptions{Name: CheckSubscriptionType})
	r.RegisterWorkflowWithOptions(ReconcileOrders, workflow.RegisterOptions{Name: ReconcileOrdersType})
	r.RegisterWorkflowWithOptions(BulkAction, workflow.RegisterOptions{Name: BulkActionType})
}
