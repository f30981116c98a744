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

// The names on the wire, once each. Programs that are not in this repository rely on them; a change is a migration.
const (
	DefaultTaskQueue = "inorder"

	// Workflow types.
	ProcessEventType      = "ProcessEvent" // its workflow ID is the event's ID, exactly
	PurgeEventsType       = "PurgeEvents"
	SweepEventsType       = "SweepEvents"
	ReconcileOrdersType   = "ReconcileOrders"
	CheckSubscriptionType = "CheckSubscription"
	BulkActionType        = "BulkAction" // its workflow ID is the bulk's

	// Signals to ProcessEvent.
	SignalOrderCreated = "order.created" // the order is there: apply again now
	SignalRetry        = "retry"         // do now what is to be done next, whatever the phase
	SignalDiscard      = "discard"       // give the event up, whatever the phase; carries a Discard

	// SignalStop ends a BulkAction: what it did stays done. It may carry a Discard, which says who stopped it and why.
	SignalStop = "stop"

	// Queries.
	QueryState    = "state"    // of ProcessEvent; answers a State
	QueryProgress = "progress" // of ReconcileOrders; answers a ReconcileProgress. Of BulkAction; answers a bulk.Progress

	// Schedules, and the workflows that they start.
	PurgeScheduleID             = "inorder-purge-events"
	SweepScheduleID             = "inorder-sweep-events"
	ReconcileScheduleID         = "inorder-reconcile-orders"
	CheckSubscriptionScheduleID = "inorder-check-subscription"
	OwnerScheduleID             = "inorder-owner" // never runs; its memo says whose namespace it is

	// ReconcileByHandID is the workflow ID of `inorder orders reconcile`: one at a time, so that a second call finds
	// the first.
	ReconcileByHandID = ReconcileScheduleID + "-by-hand"

	// The memo of OwnerScheduleID.
	MemoDatabaseID = "database_id" // the system_identity of the database that the namespace belongs to
	MemoDatabase   = "database"    // its name, for people
)

// PlatformTaskQueue is the task queue of the activities that wait for the platform's answers. Temporal queues them there,
// so that however many they are, and however long it takes, they hold up no other activity.
func PlatformTaskQueue(taskQueue string) string { return taskQueue + "-platform" }

// Search attributes, all of type Keyword. The first three are set at the start, which costs nothing; the phase only
// off the fast path.
var (
	OrderIDKey    = temporal.NewSearchAttributeKeyKeyword("OrderId")
	StoreIDKey    = temporal.NewSearchAttributeKeyKeyword("StoreId")
	EventTypeKey  = temporal.NewSearchAttributeKeyKeyword("EventType")
	EventPhaseKey = temporal.NewSearchAttributeKeyKeyword("EventPhase")

	SearchAttributes = []string{OrderIDKey.GetName(), StoreIDKey.GetName(), EventTypeKey.GetName(), EventPhaseKey.GetName()}
)

// Phase is where an event that is not on the fast path stands: the values of EventPhase.
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
	// ActID is of an act that the admin API has recorded already; "" of a signal that a person sent in Temporal.
	ActID string `json:"act_id,omitempty"`
}

// Retry is the argument of the signal "retry". It may have none.
type Retry struct {
	Reason string `json:"reason,omitempty"`
	Actor  string `json:"actor,omitempty"`
	// Audited is set of an act that is in the audit already, or that no person did.
	Audited bool `json:"audited,omitempty"`
}

// State answers the query "state".
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

// Register registers the workflows under their names on the wire, with a worker, a test or a replayer.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(ProcessEvent, workflow.RegisterOptions{Name: ProcessEventType})
	r.RegisterWorkflowWithOptions(PurgeEvents, workflow.RegisterOptions{Name: PurgeEventsType})
	r.RegisterWorkflowWithOptions(SweepEvents, workflow.RegisterOptions{Name: SweepEventsType})
	r.RegisterWorkflowWithOptions(CheckSubscription, workflow.RegisterOptions{Name: CheckSubscriptionType})
	r.RegisterWorkflowWithOptions(ReconcileOrders, workflow.RegisterOptions{Name: ReconcileOrdersType})
	r.RegisterWorkflowWithOptions(BulkAction, workflow.RegisterOptions{Name: BulkActionType})
}
