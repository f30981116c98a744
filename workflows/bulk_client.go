package workflows

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"inorder/internal/bulk"
)

// Bulks gives access to the workflows of bulk actions. It implements bulk.Engine, which documents each method.
type Bulks struct{ Events }

var _ bulk.Engine = Bulks{}

// StartBulk starts the workflow even if an earlier one has ended: PostgreSQL decides whether the bulk action goes on.
func (s Bulks) StartBulk(ctx context.Context, id, summary string) error {
	_, err := s.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                s.TaskQueue,
		StaticSummary:            summary,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, BulkActionType, BulkInput{ID: id})
	if there := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &there) {
		return nil
	}
	return err
}

func (s Bulks) StopBulk(ctx context.Context, id string) (alive bool, err error) {
	return s.signal(ctx, id, SignalStop, nil)
}

// wellFor is how long a retried step must have been running before its last failure no longer counts as a problem.
const wellFor = 5 * time.Second

func (s Bulks) DescribeBulk(ctx context.Context, id string) (r bulk.Run, found bool, err error) {
	described, err := s.Client.DescribeWorkflow(ctx, id, "")
	if err != nil {
		return bulk.Run{}, false, unlessNotFound(err)
	}
	d := described.RawResponse
	info := d.GetWorkflowExecutionInfo()
	r = bulk.Run{RunID: info.GetExecution().GetRunId(), Running: info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		Status: statusName(info.GetStatus())}
	for _, p := range d.GetPendingActivities() {
		runs := p.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED && time.Since(p.GetLastStartedTime().AsTime()) > wellFor
		if p.GetLastFailure() != nil && !runs {
			r.Problem = p.GetLastFailure().GetMessage()
		}
	}
	if task := d.GetPendingWorkflowTask(); r.Problem == "" && task.GetAttempt() > 2 {
		r.Problem = "its workflow task keeps failing: see the Temporal UI"
	}
	return r, true, nil
}
