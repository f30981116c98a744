package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder/workflows"
)

// described is a client whose workflows have these pending activities.
type described struct {
	client.Client
	pending []*workflowpb.PendingActivityInfo
}

func (d described) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}, PendingActivities: d.pending,
	}}, nil
}

// A question to the platform that was cancelled may stay pending for two minutes beside the attempt to apply the event.
func TestACancelledActivityIsNotWhatAnEventWaitsFor(t *testing.T) {
	asking := &workflowpb.PendingActivityInfo{
		ActivityType: &commonpb.ActivityType{Name: "FetchOrder"}, State: enumspb.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED, Attempt: 1,
	}
	applying := &workflowpb.PendingActivityInfo{
		ActivityType: &commonpb.ActivityType{Name: "ApplyEvent"}, State: enumspb.PENDING_ACTIVITY_STATE_STARTED, Attempt: 3,
	}
	for name, c := range map[string]struct {
		pending []*workflowpb.PendingActivityInfo
		want    string
		attempt int
	}{
		"beside another": {[]*workflowpb.PendingActivityInfo{asking, applying}, "ApplyEvent", 3},
		"alone":          {[]*workflowpb.PendingActivityInfo{asking}, "FetchOrder", 1},
	} {
		run, found, err := workflows.Events{Client: described{pending: c.pending}}.Describe(t.Context(), "evt_1")
		require.NoError(t, err, name)
		require.True(t, found, name)
		require.Equal(t, c.want, run.Activity, name)
		require.Equal(t, c.attempt, run.Attempt, name)
	}
}
