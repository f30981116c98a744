package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"inorder/internal/api"
	"inorder/internal/sweep"
)

// How failing workflow tasks are found. Temporal servers from 1.30 on have a search attribute for them. On older ones, such as the development
// server of the CLI 1.5, a sample of the runs that began a while ago is described: a few without a phase, of any type, and a few with one. So a
// fault that affects all runs is found there, but one that affects a single old run may be missed.
const (
	problemsKey  = "TemporalReportedProblems"
	suspicious   = 10 * time.Second // a workflow task takes milliseconds; one whose worker died is retried after this time
	mostFailing  = 20
	describeSome = 10
	describesNow = 5
)

// Failing implements inspect.Engine.
func (s Events) Failing(ctx context.Context) ([]api.FailingTask, error) {
	queue := "TaskQueue = " + quoted(s.TaskQueue) + " AND ExecutionStatus = 'Running'"
	runs, err := s.newest(ctx, queue+" AND "+problemsKey+" IS NOT NULL", mostFailing)
	if unknown := (*serviceerror.InvalidArgument)(nil); errors.As(err, &unknown) {
		before := " AND StartTime < " + quotedTime(time.Now().Add(-suspicious))
		if runs, err = s.newest(ctx, queue+before+" AND "+EventPhaseKey.GetName()+" IS NULL", describeSome); err != nil {
			return nil, err
		}
		var others []*workflowpb.WorkflowExecutionInfo
		others, err = s.newest(ctx, queue+before+" AND "+EventPhaseKey.GetName()+" IS NOT NULL", describeSome)
		runs = append(runs, others...)
	}
	if err != nil {
		return nil, err
	}
	return s.failing(ctx, runs)
}

func (s Events) newest(ctx context.Context, query string, n int32) ([]*workflowpb.WorkflowExecutionInfo, error) {
	r, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.Namespace, PageSize: n, Query: query})
	if err != nil {
		return nil, fmt.Errorf("list the workflows where %s: %w", query, err)
	}
	return r.GetExecutions(), nil
}

// failing returns the runs whose workflow task has failed and is being retried.
func (s Events) failing(ctx context.Context, runs []*workflowpb.WorkflowExecutionInfo) ([]api.FailingTask, error) {
	tasks, errs := make([]*api.FailingTask, len(runs)), make([]error, len(runs))
	slots := make(chan struct{}, describesNow)
	var describing sync.WaitGroup
	for i, run := range runs {
		describing.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			tasks[i], errs[i] = s.failingTask(ctx, sweep.Run{WorkflowID: run.GetExecution().GetWorkflowId(), RunID: run.GetExecution().GetRunId()})
		})
	}
	describing.Wait()
	found := []api.FailingTask{}
	for _, t := range tasks {
		if t != nil {
			found = append(found, *t)
		}
	}
	return found, errors.Join(errs...)
}

// failingTask returns the failing workflow task of a run, or nil if none fails.
func (s Events) failingTask(ctx context.Context, r sweep.Run) (*api.FailingTask, error) {
	d, err := s.Client.DescribeWorkflow(ctx, r.WorkflowID, r.RunID)
	if err != nil {
		return nil, unlessNotFound(err)
	}
	task := d.RawResponse.GetPendingWorkflowTask()
	if task.GetAttempt() < 2 {
		return nil, nil
	}
	cause, err := s.lastCause(ctx, r)
	if err != nil {
		return nil, err
	}
	return &api.FailingTask{WorkflowID: r.WorkflowID, Since: task.GetOriginalScheduledTime().AsTime(), TemporalURL: s.URL(r.WorkflowID, r.RunID),
		Problem: fmt.Sprintf("%s, attempt %d", cause, task.GetAttempt())}, nil
}

// lastCause returns in words why a workflow task failed last. It omits the message of the failure, which may quote an event.
func (s Events) lastCause(ctx context.Context, r sweep.Run) (string, error) {
	h, err := s.Client.WorkflowService().GetWorkflowExecutionHistoryReverse(ctx, &workflowservice.GetWorkflowExecutionHistoryReverseRequest{
		Namespace: s.Namespace, Execution: execution(r), MaximumPageSize: 10})
	if err != nil {
		return "", unlessNotFound(err)
	}
	for _, e := range h.GetHistory().GetEvents() {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED {
			return inWords(e.GetWorkflowTaskFailedEventAttributes().GetCause().String()), nil
		}
	}
	return "its workflow task is not answered", nil
}

// inWords returns a name such as NonDeterministicError as "non deterministic error".
func inWords(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
