package workflows

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/activities"
	"inorder/internal/operate"
	"inorder/internal/sweep"
)

// What operators need from Temporal is the interface operate.Engine.

// Describe implements operate.Engine.
func (s Events) Describe(ctx context.Context, workflowID string) (operate.Run, bool, error) {
	d, err := s.Client.DescribeWorkflow(ctx, workflowID, "")
	if err != nil {
		return operate.Run{}, false, unlessNotFound(err)
	}
	info := d.RawResponse.GetWorkflowExecutionInfo()
	r := operate.Run{
		WorkflowID: workflowID, RunID: info.GetExecution().GetRunId(),
		Running: info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, Status: statusName(info.GetStatus()),
		StartedAt: info.GetStartTime().AsTime(),
	}
	if info.GetCloseTime() != nil {
		r.ClosedAt = info.GetCloseTime().AsTime()
	}
	attributes := info.GetSearchAttributes().GetIndexedFields()
	for key, into := range map[string]*string{EventPhaseKey.GetName(): &r.Phase, OrderIDKey.GetName(): &r.OrderID} {
		if value := attributes[key]; value != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(value, into) // an unreadable attribute counts as missing
		}
	}
	if pending := d.RawResponse.GetPendingActivities(); len(pending) > 0 {
		describeActivity(&r, pending)
	}
	return r, true, nil
}

// describeActivity fills in the pending activity. While an event waits for its order, that is the question to the platform.
func describeActivity(r *operate.Run, pending []*workflowpb.PendingActivityInfo) {
	a := pending[0]
	for _, p := range pending { // one that was canceled may still be pending beside the one that the event waits for
		if p.GetState() != enumspb.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED {
			a = p
			break
		}
	}
	r.Activity, r.Attempt = a.GetActivityType().GetName(), int(a.GetAttempt())
	r.LastFailure = inorder.Bounded(a.GetLastFailure().GetMessage())
	if a.GetLastAttemptCompleteTime() != nil {
		r.FailedAt = a.GetLastAttemptCompleteTime().AsTime()
	}
	if a.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED && a.GetScheduledTime() != nil && a.GetScheduledTime().AsTime().After(time.Now()) {
		r.NextAttempt = a.GetScheduledTime().AsTime()
	}
}

// statusName returns a status in Temporal's words, such as "timed_out".
func statusName(status enumspb.WorkflowExecutionStatus) string {
	name := strings.TrimPrefix(status.String(), "WORKFLOW_EXECUTION_STATUS_")
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// RetryBy implements operate.Engine.
func (s Events) RetryBy(ctx context.Context, workflowID string, by operate.Act) (alive bool, err error) {
	return s.signal(ctx, workflowID, SignalRetry, Retry{Reason: by.Reason, Actor: by.Actor, Audited: true})
}

// DiscardBy implements operate.Engine.
func (s Events) DiscardBy(ctx context.Context, workflowID string, by operate.Act) (alive bool, err error) {
	return s.signal(ctx, workflowID, SignalDiscard, Discard{Reason: by.Reason, Actor: by.Actor, ActID: by.ID})
}

// Replay implements operate.Engine.
func (s Events) Replay(ctx context.Context, e inorder.Event, n int, by operate.Act) (workflowID string, started bool, err error) {
	options, body, receipt := StartRequest(s.TaskQueue, e)
	act := activities.Act{ID: by.ID, Actor: by.Actor, Reason: by.Reason, BulkID: by.BulkID}
	replayed(&options, &receipt, sweep.ReplayID(e.ID, n), e.RetriedAt, &act)
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	started, err = s.start(ctx, options, body, receipt)
	return options.ID, started, refusal(err)
}

// Replace implements operate.Engine.
func (s Events) Replace(ctx context.Context, e inorder.Event, workflowID string) error {
	options, body, receipt := reviveRequest(s.TaskQueue, e, workflowID)
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
	_, err := s.start(ctx, options, body, receipt)
	return refusal(err)
}

// refusal returns an operate.RefusedError if Temporal refuses for good, for instance because the event is too large, and else err.
func refusal(err error) error {
	if refused := (*serviceerror.InvalidArgument)(nil); errors.As(err, &refused) {
		return &operate.RefusedError{Why: inorder.Bounded(refused.Message)}
	}
	return err
}

// URL implements operate.Engine.
func (s Events) URL(workflowID, runID string) string {
	if s.UI == "" || workflowID == "" {
		return ""
	}
	path := strings.TrimSuffix(s.UI, "/") + "/namespaces/" + url.PathEscape(s.Namespace) + "/workflows/" + url.PathEscape(workflowID)
	if runID != "" {
		path += "/" + url.PathEscape(runID) + "/history"
	}
	return path
}

var _ interface {
	operate.Engine
	activities.Events
} = Events{Client: client.Client(nil)}
