package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/testenv"
	"inorder/workflows"
)

func (s *system) eventually(what string, condition func() bool) {
	s.Helper()
	require.Eventually(s, condition, testenv.Patience, 20*time.Millisecond, what)
}

func (s *system) signal(e inorder.Event, name string, arg any) {
	s.Helper()
	require.NoError(s, s.client.SignalWorkflow(s.Context(), e.ID, "", name, arg))
}

func (s *system) result(run client.WorkflowRun) workflows.Result {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), testenv.Patience)
	defer cancel()
	var r workflows.Result
	require.NoError(s, run.Get(ctx, &r))
	return r
}

func (s *system) state(id string) (state workflows.State) {
	s.Helper()
	v, err := s.client.QueryWorkflow(s.Context(), id, "", workflows.QueryState)
	require.NoError(s, err)
	require.NoError(s, v.Get(&state))
	return state
}

// awaitPhase waits until the event is in the phase, and Temporal has recorded that. Temporal's listing may be that of a moment ago: it
// may still have a run that somebody ended, whose phase the run that replaced it has not reached.
func (s *system) awaitPhase(e inorder.Event, phase workflows.Phase) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s is %s", e.ID, phase), func() bool { return s.find(e, string(phase)) == 1 && s.state(e.ID).Phase == phase })
}

// find returns how many executions of the event an operator finds by that phase.
func (s *system) find(e inorder.Event, phase string) int64 {
	s.Helper()
	r, err := s.client.CountWorkflow(s.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf(`EventPhase=%q AND ExecutionStatus="Running" AND OrderId=%q AND WorkflowId=%q`, phase, s.order, e.ID)})
	require.NoError(s, err)
	return r.GetCount()
}

// settled waits until the workflow has seen every signal that it was sent, and no attempt that it then gave up is under way: such an
// attempt could still apply the event.
func (s *system) settled(e inorder.Event) {
	s.Helper()
	s.eventually("its workflow has seen the signal", func() bool {
		d, err := describe(s.Context(), s.client, e.ID)
		require.NoError(s, err)
		givenUp := func(a *workflowpb.PendingActivityInfo) bool {
			return a.GetState() == enumspb.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
		}
		return d.GetPendingWorkflowTask() == nil && !slices.ContainsFunc(d.GetPendingActivities(), givenUp)
	})
}

// settle waits until the event has ended, is parked for a person, or waits, and returns its state.
func (s *system) settle(id string) (state workflows.State) {
	s.Helper()
	s.eventually(id+" ends or parks", func() bool {
		state = s.state(id)
		return state.Outcome != "" || state.Phase != workflows.PhaseApplying
	})
	return state
}

func (s *system) status(e inorder.Event) enumspb.WorkflowExecutionStatus {
	s.Helper()
	r, err := describe(s.Context(), s.client, e.ID)
	require.NoError(s, err)
	return r.GetWorkflowExecutionInfo().GetStatus()
}

// deleted deletes the event's workflow, and waits until neither Temporal nor its listing, which may lag behind, knows it.
func (s *system) deleted(e inorder.Event) {
	s.Helper()
	_, err := s.client.WorkflowService().DeleteWorkflowExecution(s.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: e.ID}})
	require.NoError(s, err)
	s.eventually("it is deleted", func() bool {
		_, err := describe(s.Context(), s.client, e.ID)
		if gone := (*serviceerror.NotFound)(nil); !errors.As(err, &gone) {
			return false
		}
		r, err := s.client.CountWorkflow(s.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: fmt.Sprintf(`WorkflowId=%q`, e.ID)})
		return err == nil && r.GetCount() == 0
	})
}

// describe returns what Temporal knows about the last run of a workflow.
func describe(ctx context.Context, c client.Client, id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	d, err := c.DescribeWorkflow(ctx, id, "")
	if err != nil {
		return nil, err
	}
	return d.RawResponse, nil
}

// attempts returns how often the event's pending activity has been tried.
func (s *system) attempts(e inorder.Event) int32 {
	s.Helper()
	d, err := describe(s.Context(), s.client, e.ID)
	require.NoError(s, err)
	if len(d.GetPendingActivities()) != 1 {
		return 0
	}
	return d.GetPendingActivities()[0].GetAttempt()
}

func (s *system) pendingActivities(e inorder.Event) int {
	s.Helper()
	d, err := describe(s.Context(), s.client, e.ID)
	require.NoError(s, err)
	return len(d.GetPendingActivities())
}

// requireNoTaskFailed requires that no workflow task failed in the workflow's latest run. A task that tried to end the run while a signal
// came does not count: Temporal refuses its commands and repeats it, so that the signal is seen. Nor does one that the SDK gave up because the
// machine stalled for a second in the middle of it; code that really hangs would not let the event go on.
func (s *system) requireNoTaskFailed(id string) {
	s.Helper()
	events := s.client.GetWorkflowHistory(s.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(s, err)
		failed := e.GetWorkflowTaskFailedEventAttributes()
		stalled := strings.Contains(failed.GetFailure().GetMessage(), "Potential deadlock detected")
		if failed.GetCause() != enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND && !stalled {
			require.Nil(s, failed)
		}
	}
}

// input returns the first argument of a run, as Temporal has it.
func (s *system) input(run client.WorkflowRun) string {
	s.Helper()
	history := s.client.GetWorkflowHistory(s.Context(), run.GetID(), run.GetRunID(), false, 0)
	require.True(s, history.HasNext())
	first, err := history.Next()
	require.NoError(s, err)
	return string(first.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0].GetData())
}
