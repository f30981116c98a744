package workflows

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/activities"
	"inorder/internal/sweep"
)

// listedAtOnce is the number of runs in a page.
const listedAtOnce = 200

// Lost implements activities.Events. ProcessEvent always completes, so a run that closed in any other way was ended by
// somebody, or ran older code.
func (s Events) Lost(ctx context.Context, since time.Time, page []byte) (runs []sweep.Run, next []byte, err error) {
	return s.list(ctx, page, "CloseTime >= '%s' AND ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled')",
		since.UTC().Format(time.RFC3339Nano))
}

// InAttention implements activities.Events.
func (s Events) InAttention(ctx context.Context, page []byte) (runs []sweep.Run, next []byte, err error) {
	return s.list(ctx, page, "ExecutionStatus = 'Running' AND %s = '%s'", EventPhaseKey.GetName(), PhaseAttention)
}

// list returns a page of the ProcessEvent runs that match a query; next is nil after the last page.
func (s Events) list(ctx context.Context, page []byte, query string, args ...any) (runs []sweep.Run, next []byte, err error) {
	query = fmt.Sprintf("WorkflowType = '%s' AND TaskQueue = '%s' AND ", ProcessEventType, s.TaskQueue) + fmt.Sprintf(query, args...)
	r, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: listedAtOnce, NextPageToken: page, Query: query})
	if err != nil {
		return nil, nil, fmt.Errorf("list the workflows where %s: %w", query, err)
	}
	for _, w := range r.GetExecutions() {
		runs = append(runs, sweep.Run{WorkflowID: w.GetExecution().GetWorkflowId(), RunID: w.GetExecution().GetRunId()})
	}
	if len(r.GetNextPageToken()) > 0 {
		next = r.GetNextPageToken()
	}
	return runs, next, nil
}

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
		return inorder.Event{}, false, nil // no event can be made of it: its input can't be read
	}
	if e, err = inorder.ParseEvent(body.Payload().GetData()); err != nil {
		e = inorder.Event{Body: body.Payload().GetData()}
	}
	e.ID, e.ReceivedAt, e.RetriedAt = cmp.Or(receipt.EventID, r.EventID()), receipt.ReceivedAt, receipt.RetriedAt
	return e, true, nil
}

// CanceledBy implements activities.Events. The request is among the last events of the history.
func (s Events) CanceledBy(ctx context.Context, r sweep.Run) (actor, reason string, err error) {
	err = s.backwards(ctx, r, func(e *historypb.HistoryEvent) bool {
		asked := e.GetWorkflowExecutionCancelRequestedEventAttributes()
		actor, reason = asked.GetIdentity(), asked.GetCause()
		return asked != nil
	})
	return actor, reason, err
}

// SignaledBy implements activities.Events. The signal is among the last events of the history.
func (s Events) SignaledBy(ctx context.Context, r sweep.Run, signal string) (actor string, err error) {
	err = s.backwards(ctx, r, func(e *historypb.HistoryEvent) bool {
		sent := e.GetWorkflowExecutionSignaledEventAttributes()
		if sent.GetSignalName() != signal {
			return false
		}
		actor = sent.GetIdentity()
		return true
	})
	return actor, err
}

// backwards calls found with the history events of a run, from the last to the first, until found returns true.
func (s Events) backwards(ctx context.Context, r sweep.Run, found func(*historypb.HistoryEvent) bool) error {
	request := &workflowservice.GetWorkflowExecutionHistoryReverseRequest{Namespace: s.Namespace, Execution: execution(r), MaximumPageSize: 100}
	for {
		h, err := s.Client.WorkflowService().GetWorkflowExecutionHistoryReverse(ctx, request)
		if err != nil {
			return fmt.Errorf("read the history of event %s: %w", r.EventID(), err)
		}
		if slices.ContainsFunc(h.GetHistory().GetEvents(), found) {
			return nil
		}
		if request.NextPageToken = h.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

func execution(r sweep.Run) *commonpb.WorkflowExecution {
	return &commonpb.WorkflowExecution{WorkflowId: r.WorkflowID, RunId: r.RunID}
}
