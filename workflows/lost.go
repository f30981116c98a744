package workflows

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	commonpb "go.temporal.io/api/common/v1"

	"inorder"
	"inorder/activities"
	"inorder/internal/sweep"
)

// lostPage is how many runs are listed at once.
const lostPage = 200

// Lost implements activities.Events. ProcessEvent always completes, so a run that closed in any other way is somebody's
// doing, or the end of a run of older code.
func (s Events) Lost(ctx context.Context, since time.Time, page []byte) (runs []sweep.Run, next []byte, err error) {
	r, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize:      lostPage,
		NextPageToken: page,
		Query: fmt.Sprintf("WorkflowType = '%s' AND TaskQueue = '%s' AND CloseTime >= '%s' AND ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled')",
			ProcessEventType, s.TaskQueue, since.UTC().Format(time.RFC3339Nano)),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the events whose workflow ended without a result: %w", err)
	}
	for _, w := range r.GetExecutions() {
		runs = append(runs, sweep.Run{EventID: w.GetExecution().GetWorkflowId(), RunID: w.GetExecution().GetRunId()})
	}
	if len(r.GetNextPageToken()) > 0 {
		next = r.GetNextPageToken()
	}
	return runs, next, nil
}

// InAttention implements activities.Events.
func (s Events) InAttention(ctx context.Context, page []byte) (events []string, next []byte, err error) {
	r, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize:      lostPage,
		NextPageToken: page,
		Query: fmt.Sprintf("WorkflowType = '%s' AND TaskQueue = '%s' AND ExecutionStatus = 'Running' AND EventPhase = '%s'",
			ProcessEventType, s.TaskQueue, PhaseAttention),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the events in attention: %w", err)
	}
	for _, w := range r.GetExecutions() {
		events = append(events, w.GetExecution().GetWorkflowId())
	}
	if len(r.GetNextPageToken()) > 0 {
		next = r.GetNextPageToken()
	}
	return events, next, nil
}

// Input implements activities.Events.
func (s Events) Input(ctx context.Context, r sweep.Run) (e inorder.Event, found bool, err error) {
	h, err := s.Client.WorkflowService().GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: s.Namespace, Execution: execution(r), MaximumPageSize: 1})
	if err != nil {
		return inorder.Event{}, false, unlessNotFound(err)
	}
	if len(h.GetHistory().GetEvents()) == 0 {
		return inorder.Event{}, false, nil
	}
	var body converter.RawValue
	var receipt activities.Receipt
	input := h.GetHistory().GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetInput()
	if err := converter.GetDefaultDataConverter().FromPayloads(input, &body, &receipt); err != nil {
		return inorder.Event{}, false, nil // nobody's event: its input can't be read
	}
	if e, err = inorder.ParseEvent(body.Payload().GetData()); err != nil {
		e = inorder.Event{Body: body.Payload().GetData()}
	}
	e.ID, e.ReceivedAt, e.RetriedAt = r.EventID, receipt.ReceivedAt, receipt.RetriedAt
	return e, true, nil
}

// CanceledBy implements activities.Events. The request is among the last events of the history.
func (s Events) CanceledBy(ctx context.Context, r sweep.Run) (actor, reason string, err error) {
	request := &workflowservice.GetWorkflowExecutionHistoryReverseRequest{Namespace: s.Namespace, Execution: execution(r), MaximumPageSize: 100}
	for {
		h, err := s.Client.WorkflowService().GetWorkflowExecutionHistoryReverse(ctx, request)
		if err != nil {
			return "", "", fmt.Errorf("read the history of event %s: %w", r.EventID, err)
		}
		for _, e := range h.GetHistory().GetEvents() {
			if asked := cancelRequest(e); asked != nil {
				return asked.GetIdentity(), asked.GetCause(), nil
			}
		}
		if request.NextPageToken = h.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return "", "", nil
		}
	}
}

func cancelRequest(e *historypb.HistoryEvent) *historypb.WorkflowExecutionCancelRequestedEventAttributes {
	if e.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED {
		return nil
	}
	return e.GetWorkflowExecutionCancelRequestedEventAttributes()
}

func execution(r sweep.Run) *commonpb.WorkflowExecution {
	return &commonpb.WorkflowExecution{WorkflowId: r.EventID, RunId: r.RunID}
}
