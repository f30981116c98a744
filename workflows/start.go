package workflows

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/activities"
)

// Start is how a ProcessEvent of an event is started, by whoever starts it: the options, and its two arguments.
//
// The workflow ID is the event's ID, so a second start is refused with WorkflowExecutionAlreadyStarted, unless the run
// before it failed or was terminated: then a redelivery revives the event.
func Start(taskQueue string, e inorder.Event) (client.StartWorkflowOptions, converter.RawValue, activities.Receipt) {
	orderID := e.OrderID()
	attributes := []temporal.SearchAttributeUpdate{EventTypeKey.ValueSet(keyword(e.Type))}
	if orderID != "" {
		attributes = append(attributes, OrderIDKey.ValueSet(orderID))
	}
	if e.StoreID != "" {
		attributes = append(attributes, StoreIDKey.ValueSet(keyword(e.StoreID)))
	}
	options := client.StartWorkflowOptions{
		ID:                    e.ID,
		TaskQueue:             taskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
		StaticSummary:         summary(e, orderID),

		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
		// With a worker in the same process, the first workflow task comes back with the start's answer.
		EnableEagerStart: true,
	}
	return options, rawJSON(e.Body), activities.Receipt{EventID: e.ID, ReceivedAt: e.ReceivedAt}
}

// Begin returns what starts the events that are made of the platform's answers.
func Begin(c client.Client, taskQueue string) activities.BeginFunc {
	return func(ctx context.Context, e inorder.Event) error {
		options, body, receipt := Start(taskQueue, e)
		_, err := c.ExecuteWorkflow(ctx, options, ProcessEventType, body, receipt)
		var started *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &started) {
			return nil
		}
		return err
	}
}

// Wake returns what ReleaseWaiting wakes a waiting event with: signal-with-start, so that one that someone terminated
// comes back. One that has completed needs no waking.
func Wake(c client.Client, taskQueue string) activities.WakeFunc {
	return func(ctx context.Context, e inorder.Event) error {
		options, body, receipt := Start(taskQueue, e)
		options.EnableEagerStart = false // it does not go with signal-with-start
		options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED
		_, err := c.SignalWithStartWorkflow(ctx, e.ID, SignalOrderCreated, nil, options, ProcessEventType, body, receipt)
		var done *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &done) {
			return nil
		}
		return err
	}
}

func summary(e inorder.Event, orderID string) string {
	const most = 200 // bytes; Temporal refuses summaries over 400
	s := keyword(e.Type)
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

// rawJSON carries the body into the workflow's input untouched: the JSON converter would escape and compact it.
func rawJSON(body []byte) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     body,
	})
}
