package workflows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/activities"
	"inorder/internal/telemetry"
)

// StartRequest returns the options and the two arguments with which every caller starts an event's ProcessEvent. It
// starts nothing.
//
// The workflow ID is the event's ID, so a second start is refused with WorkflowExecutionAlreadyStarted, unless the previous
// run failed or was terminated: then a redelivery revives the event.
func StartRequest(taskQueue string, e inorder.Event) (client.StartWorkflowOptions, converter.RawValue, activities.Receipt) {
	orderID := e.OrderID()
	attributes := []temporal.SearchAttributeUpdate{EventTypeKey.ValueSet(e.Type)}
	if orderID != "" {
		attributes = append(attributes, OrderIDKey.ValueSet(orderID))
	}
	if e.StoreID != "" {
		attributes = append(attributes, StoreIDKey.ValueSet(e.StoreID))
	}
	options := client.StartWorkflowOptions{
		ID:                    e.ID,
		TaskQueue:             taskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
		StaticSummary:         summary(e, orderID),

		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
		// If a worker runs in the same process, the answer to the start brings the first workflow task.
		EnableEagerStart: true,
	}
	return options, rawJSON(e.Body), activities.Receipt{EventID: e.ID, ReceivedAt: e.ReceivedAt, RetriedAt: e.RetriedAt}
}

// replayed changes a start into that of a replay, under the replay's own workflow ID. act is nil if the event's end has been undone already.
func replayed(o *client.StartWorkflowOptions, r *activities.Receipt, workflowID string, at time.Time, act *activities.Act) {
	o.ID, o.StaticSummary = workflowID, "replay of "+o.StaticSummary
	r.Replay = &activities.Replay{WorkflowID: workflowID, At: at, Act: act}
}

// ReconcileRequest returns the options and the argument with which `inorder orders reconcile` starts ReconcileOrders. It starts
// nothing. The same orders, in whatever sequence, get the same workflow ID; a second start while one runs is refused with
// WorkflowExecutionAlreadyStarted.
func ReconcileRequest(taskQueue string, orders []string, since time.Time) (client.StartWorkflowOptions, ReconcileInput) {
	id := ReconcileByHandID
	if len(orders) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(orders)), "\n")))
		id += "-" + hex.EncodeToString(sum[:8])
	}
	return client.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                taskQueue,
		StaticSummary:            "compare orders with the platform's and repair those that differ, by hand",
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, ReconcileInput{Orders: orders, Since: since}
}

// Events gives the activities, the sweep and operators access to the events' workflows. It implements activities.Events and
// operate.Engine, which document each method.
type Events struct {
	Client    client.Client
	Namespace string // the client's
	TaskQueue string
	UI        string             // the address of Temporal's UI; "" if it is not known
	Tracing   *telemetry.Tracing // nil: nothing is traced
}

// Start implements activities.Events.
func (s Events) Start(ctx context.Context, e inorder.Event) error {
	_, err := s.Revive(ctx, e, e.ID)
	return err
}

// StartOrWake starts the event's workflow, or makes the running one apply the event again now. If an earlier one has completed, it starts
// another: an event in the inbox has not ended, whatever Temporal knows, for instance after PostgreSQL was restored from a backup. It may
// run twice.
func (s Events) StartOrWake(ctx context.Context, e inorder.Event) error {
	ctx = s.Tracing.In(ctx, e.ID, e.ReceivedAt)
	started, err := s.Revive(ctx, e, e.ID)
	if err == nil && !started {
		_, err = s.Wake(ctx, e.ID)
	}
	return err
}

// Revive implements activities.Events. If an earlier workflow has completed, it starts another: PostgreSQL knows that the
// event has not ended, for instance after a restore from a backup.
func (s Events) Revive(ctx context.Context, e inorder.Event, workflowID string) (started bool, err error) {
	ctx = s.Tracing.In(ctx, e.ID, e.ReceivedAt)
	options, body, receipt := reviveRequest(s.TaskQueue, e, workflowID)
	return s.start(ctx, options, body, receipt)
}

func reviveRequest(taskQueue string, e inorder.Event, workflowID string) (client.StartWorkflowOptions, converter.RawValue, activities.Receipt) {
	options, body, receipt := StartRequest(taskQueue, e)
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	if workflowID != e.ID {
		replayed(&options, &receipt, workflowID, e.RetriedAt, nil)
	}
	return options, body, receipt
}

func (s Events) start(ctx context.Context, o client.StartWorkflowOptions, body converter.RawValue, r activities.Receipt) (started bool, err error) {
	_, err = s.Client.ExecuteWorkflow(ctx, o, ProcessEventType, body, r)
	if there := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &there) {
		return false, nil
	}
	return err == nil, err
}

func (s Events) Wake(ctx context.Context, workflowID string) (alive bool, err error) {
	return s.signal(ctx, workflowID, SignalOrderCreated, nil)
}

func (s Events) Retry(ctx context.Context, workflowID string) (alive bool, err error) {
	return s.signal(ctx, workflowID, SignalRetry, Retry{Audited: true})
}

func (s Events) signal(ctx context.Context, workflowID, name string, arg any) (alive bool, err error) {
	err = s.Client.SignalWorkflow(ctx, workflowID, "", name, arg)
	return err == nil, unlessNotFound(err)
}

func (s Events) Running(ctx context.Context, workflowID string) (bool, error) {
	d, err := s.Client.DescribeWorkflow(ctx, workflowID, "")
	running := err == nil && d.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	return running, unlessNotFound(err)
}

// unlessNotFound returns err, or nil if err says that the workflow doesn't exist or has ended.
func unlessNotFound(err error) error {
	if gone := (*serviceerror.NotFound)(nil); errors.As(err, &gone) {
		return nil
	}
	return err
}

func summary(e inorder.Event, orderID string) string {
	const most = 200 // bytes; Temporal refuses summaries over 400
	s := e.Type
	if orderID != "" {
		s = fmt.Sprintf("%s → %s", s, orderID)
	}
	for i := range s {
		if i > most {
			return s[:i] + "…"
		}
	}
	return s
}

// rawJSON puts the body into the workflow's input untouched: the JSON converter would escape and compact it.
func rawJSON(body []byte) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     body,
	})
}
