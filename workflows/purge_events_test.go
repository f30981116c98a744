package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"inorder/activities"
	"inorder/workflows"
)

func TestPurgeEvents(t *testing.T) {
	p := newPlay(t)
	var a *activities.Activities
	want := activities.PurgeResult{Deleted: 3, OlderThan: start.AddDate(0, -1, 0), FinishedAt: start}
	failures := 2
	p.OnActivity(a.PurgeEvents, mock.Anything, start).Return(func(context.Context, time.Time) (activities.PurgeResult, error) {
		if failures--; failures >= 0 {
			return activities.PurgeResult{}, errAway
		}
		return want, nil
	})
	p.SetLastCompletionResult(activities.PurgeResult{Deleted: 7, FinishedAt: start.AddDate(0, 0, -1)})
	p.ExecuteWorkflow(workflows.PurgeEventsType)
	var got activities.PurgeResult
	require.NoError(t, p.GetWorkflowResult(&got))
	require.Equal(t, want, got)
	require.Equal(t, "Deletes webhook_events rows that are older than EVENT_RETENTION. It last succeeded at 2025-01-14T12:00:00Z and deleted 7 rows.", p.details())
}
